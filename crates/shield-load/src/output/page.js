(function () {
  "use strict";
  var rows = Array.from(document.querySelectorAll("#series tbody tr"));
  var places = rows.map(function (row) { return Number(row.getAttribute("data-at")); });
  var plots = Array.from(document.querySelectorAll(".plot svg[data-width]"));
  var values = Array.from(document.querySelectorAll(".legend [data-column]"));
  var moments = Array.from(document.querySelectorAll(".legend .moment"));
  function measure(svg, name) { return Number(svg.getAttribute("data-" + name)); }
  function nearest(place) {
    return places.reduce(function (best, next, index) {
      return Math.abs(places[best] - place) > Math.abs(next - place) ? index : best;
    }, 0);
  }
  function show(index) {
    var cells = rows[index].querySelectorAll("td");
    values.forEach(function (value) {
      value.textContent = cells[Number(value.getAttribute("data-column"))].textContent;
    });
    moments.forEach(function (moment) { moment.textContent = rows[index].querySelector("th").textContent; });
    plots.forEach(function (svg) {
      var x = measure(svg, "left") + places[index] * measure(svg, "width");
      svg.querySelector(".cursor").setAttribute("x1", x);
      svg.querySelector(".cursor").setAttribute("x2", x);
    });
  }
  if (rows.length === 0) { return; }
  plots.forEach(function (svg) {
    function point(event) {
      var box = svg.getBoundingClientRect();
      var x = (event.clientX - box.left) / box.width * svg.viewBox.baseVal.width;
      show(nearest((x - measure(svg, "left")) / measure(svg, "width")));
    }
    svg.addEventListener("pointermove", point);
    svg.addEventListener("pointerdown", point);
  });
  moments.forEach(function (moment) { moment.textContent = "point at a plot for its values"; });
}());
