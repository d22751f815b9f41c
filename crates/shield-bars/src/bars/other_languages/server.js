// Orders: a small Node service without dependencies. Applied ids go to a file per process; RELEASE changes with every
// release.
const fs = require("node:fs");
const http = require("node:http");
const path = require("node:path");

const RELEASE = 0;
const ledger = path.join("@LEDGER@", "ledger");
fs.mkdirSync(ledger, { recursive: true });
const file = fs.openSync(path.join(ledger, `${process.pid}-${process.hrtime.bigint()}.log`), "a");

const server = http.createServer((request, response) => {
  const answer = (status, body) => {
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify(body));
  };
  const applied = request.method === "POST" && request.url.match(/^\/apply\/([\w.-]+)$/);
  if (applied) {
    request.resume();
    request.on("end", () => {
      fs.writeSync(file, `${applied[1]}\n`);
      answer(200, { applied: applied[1] });
    });
  } else if (request.url === "/health") {
    answer(200, { status: "ok" });
  } else if (request.url === "/") {
    answer(200, { release: RELEASE });
  } else {
    answer(404, { error: "no such path" });
  }
});

server.listen(Number(process.env.PORT || 3000), process.env.HOST || "127.0.0.1");
process.on("SIGTERM", () => {
  server.close(() => process.exit(0));
  server.closeIdleConnections();
});
