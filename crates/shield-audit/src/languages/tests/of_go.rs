//! Small files of Go.

/// Each finds what stands behind it, and nothing else.
pub(super) const FOUND: &[(&str, &str, &str)] = &[
    (
        "a.go",
        "import \"net/http\"\nfunc f() { http.ListenAndServe(a, nil) }",
        "go/no-timeout net/http.ListenAndServe",
    ),
    (
        "a.go",
        "import (\"fmt\"; \"net/http\")\nfunc f(w http.ResponseWriter, r *http.Request) { n := r.URL.Query().Get(\"n\")\n fmt.Fprintf(w, \"<b>%s\", n) }",
        "go/markup Fprintf",
    ),
    (
        "a.go",
        "import \"net/http\"\nfunc f(w http.ResponseWriter, r *http.Request) { w.Write([]byte(\"a\" + r.FormValue(\"n\"))) }",
        "go/markup Write",
    ),
    (
        "a.go",
        "import \"net/http\"\nfunc f(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.FormValue(\"to\"), 302) }",
        "go/open-redirect Redirect",
    ),
    (
        "a.go",
        "import \"net/http\"\nfunc f(w http.ResponseWriter, r *http.Request) { w.Header().Set(\"Location\", r.FormValue(\"to\")) }",
        "go/open-redirect Set",
    ),
    (
        "a.go",
        "import (\"net/http\"; \"html/template\")\nfunc f(r *http.Request) { template.New(\"a\").Parse(r.FormValue(\"t\")) }",
        "go/template-injection html/template.New().Parse",
    ),
    (
        "a.go",
        "import (\"net/http\"; \"text/template\")\nfunc f(w http.ResponseWriter) { template.New(\"a\") }",
        "go/no-escape text/template",
    ),
    (
        "a.go",
        "import (\"net/http\"; \"strings\")\nfunc f(r *http.Request) { c := &http.Client{}\n c.Get(\"https://\" + strings.TrimSpace(r.FormValue(\"h\"))) }",
        "go/request-forgery net/http.Client{}.Get",
    ),
    ("a.go", "func f() { q := \"a = '\"\n q = q + x\n db.Model(m).Where(q) }", "go/sql Where"),
    ("a.go", "import \"os/exec\"\nvar c = exec.Cmd{Path: os.Args[1]}", "go/command exec.Cmd"),
    (
        "a.go",
        "import \"github.com/robertkrimen/otto\"\nfunc f() { vm := otto.New()\n vm.Run(\"f(\" + x) }",
        "go/eval github.com/robertkrimen/otto.New().Run",
    ),
    (
        "a.go",
        "import \"github.com/gorilla/sessions\"\nvar o = sessions.Options{Secure: true}",
        "go/cookie-flags sessions.Options HttpOnly",
    ),
    (
        "a.go",
        "import e \"os/exec\"\nfunc f() { e.Command(\"sh\", \"-c\", \"ls \" + x) }",
        "go/command os/exec.Command",
    ),
    (
        "a.go",
        "import \"fmt\"\nfunc f() { q := fmt.Sprintf(\"SELECT a FROM b WHERE c = '%s'\", x)\n db.Query(q) }",
        "go/sql Query",
    ),
    (
        "a.go",
        "func f() { db.Query(\"SELECT a FROM b WHERE c = \" + r.FormValue(\"fields\")) }",
        "go/sql Query",
    ),
    ("a.go", "import \"html/template\"\nfunc f() { template.HTML(x) }", "go/markup template.HTML"),
    ("a.go", "import \"os\"\nfunc f() { os.Create(\"/tmp/x\") }", "go/fixed-temporary-path os.Create"),
    ("a.go", "import \"os\"\nfunc f() { os.Mkdir(x, 0777) }", "go/loose-permissions os.Mkdir 0777"),
    (
        "a.go",
        "import (\"os\"; \"net/http\")\nfunc f(r *http.Request) { os.Open(r.FormValue(\"x\")) }",
        "go/path-traversal os.Open",
    ),
    (
        "a.go",
        "import (\"archive/zip\"; \"path/filepath\")\nfunc f(a *zip.File) { filepath.Join(d, a.Name) }",
        "go/archive-path path/filepath.Join",
    ),
    (
        "a.go",
        "import (\"io\"; \"compress/gzip\")\nfunc f() { r, err := gzip.NewReader(x)\n io.Copy(o, r) }",
        "go/decompression-bomb io.Copy",
    ),
    ("a.go", "import \"net/http\"\nvar d = http.Dir(\"/\")", "go/root-served net/http.Dir"),
    ("a.go", "import \"net\"\nfunc f() { net.Listen(\"tcp\", \":80\") }", "go/bind-all net.Listen"),
    (
        "a.go",
        "import \"golang.org/x/crypto/ssh\"\nvar a = ssh.InsecureIgnoreHostKey()",
        "go/ssh-any-host ssh.InsecureIgnoreHostKey",
    ),
    ("a.go", "import \"net/http\"\nvar s = &http.Server{Addr: x}", "go/no-timeout http.Server"),
    (
        "a.go",
        "import \"crypto/tls\"\nvar c = tls.Config{InsecureSkipVerify: true}",
        "go/no-certificate-check InsecureSkipVerify",
    ),
    (
        "a.go",
        "import \"crypto/tls\"\nvar c = tls.Config{MinVersion: tls.VersionTLS10}",
        "go/old-tls MinVersion VersionTLS10",
    ),
    (
        "a.go",
        "import \"net/http\"\nvar c = http.Cookie{Name: \"a\", Value: b, Secure: true}",
        "go/cookie-flags http.Cookie HttpOnly",
    ),
    (
        "a.go",
        "import \"github.com/golang-jwt/jwt/v5\"\nvar k = jwt.UnsafeAllowNoneSignatureType",
        "go/unverified-token UnsafeAllowNoneSignatureType",
    ),
    (
        "a.go",
        "import \"net/http\"\nfunc f(r *http.Request) { http.Get(r.FormValue(\"u\")) }",
        "go/request-forgery net/http.Get",
    ),
    ("a.go", "import h \"crypto/md5\"\nvar a = h.New()", "go/weak-hash crypto/md5.New"),
    ("a.go", "import \"crypto/des\"\nfunc f() { des.NewCipher(k) }", "go/weak-cipher crypto/des.NewCipher"),
    (
        "a.go",
        "import \"crypto/rsa\"\nfunc f() { rsa.GenerateKey(r, 1024) }",
        "go/weak-key rsa.GenerateKey 1024",
    ),
    (
        "a.go",
        "import \"math/rand\"\nfunc newToken() int { return rand.Int() }",
        "go/weak-random math/rand.Int",
    ),
    (
        "a.go",
        "import (\"net/http\"; _ \"net/http/pprof\")\n// http.Serve",
        "go/profile-served net/http/pprof",
    ),
];

/// Nothing is found in these.
pub(super) const LEFT_ALONE: &[(&str, &str)] = &[
    (
        "a.go",
        "import (\"fmt\"; \"html\"; \"net/http\"; \"strconv\")\nfunc f(w http.ResponseWriter, r *http.Request) { n, err := strconv.Atoi(r.FormValue(\"n\"))\n fmt.Fprintf(w, \"%d %s\", n, html.EscapeString(r.FormValue(\"a\"))) }",
    ),
    (
        "a.go",
        "import \"net/http\"\nfunc f(w http.ResponseWriter, r *http.Request) { w.Header().Set(\"Content-Type\", \"application/json\")\n w.Write([]byte(r.FormValue(\"n\"))) }\nfunc g(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, \"/a/\" + r.FormValue(\"to\"), 302)\n http.Redirect(w, r, r.URL.String(), 302) }",
    ),
    (
        "a.go",
        "import (\"net/http\"; \"path/filepath\"; \"os\")\nfunc f(r *http.Request) { os.Open(filepath.Base(r.FormValue(\"x\")))\n os.Open(os.Args[1])\n http.Get(\"https://a.b/\" + r.FormValue(\"x\")) }",
    ),
    (
        "a.go",
        "import \"os/exec\"\nfunc f(c string) { exec.Command(\"ls\", x); exec.Command(c); exec.Command(\"sh\", \"-c\", \"ls\") }",
    ),
    (
        "a.go",
        "import \"fmt\"\nfunc f() { db.Query(\"SELECT a FROM b WHERE c = ?\", x); db.Query(fmt.Sprintf(\"SELECT a FROM b LIMIT %d\", n)) }",
    ),
    ("a.go", "import \"crypto/rand\"\nfunc token() { rand.Int(r, m) }"),
    (
        "a.go",
        "import (\"net/http\"; \"crypto/tls\")\nvar s = http.Server{ReadHeaderTimeout: t, TLSConfig: &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: false}}",
    ),
    (
        "a.go",
        "import (\"net/http\"; \"os\")\nvar c = http.Cookie{Name: \"a\", Value: \"\", MaxAge: -1}\nfunc f() { os.Mkdir(x, 0755); os.Chmod(x, 01777) }",
    ),
];
