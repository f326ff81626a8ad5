// The list of types below the chart: which there were, how many bytes each had, and when.
(function () {
  const SVG = document.querySelector('#chart svg').namespaceURI, WIDE = 160, HIGH = 22;
  const columns = [['name', 'type'], ['objects', 'objects'], ['least', 'min'], ['now', 'now'],
    ['most', 'max'], ['grown', '\u0394 size']];
  const place = document.getElementById('types'), drawChart = window.mprofChart;
  const order = {by: 'now', rising: false};
  let processes = [], chosen = 0, wanted = '', refill = null;

  function size(bytes) {
    const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
    let unit = 0, value = Math.abs(bytes);
    for (; value >= 1023.95 && unit < 4; unit++) value /= 1024;
    return (bytes < 0 ? '\u2212' : '') + value.toFixed(unit ? 1 : 0) + ' ' + units[unit];
  }
  // What the last count did not tell is not known.
  function known(value, text) { return value === null ? '\u2013' : text(value); }
  function grown(row) {
    if (row.now === null) return '\u2013';
    return (row.grown > 0 ? '+' : '') + size(row.grown);
  }
  function rows() {
    return processes[chosen].rows.map((row) => ({name: row[0], objects: row[1], now: row[2],
      least: row[3], most: row[4], grown: row[2] === null ? null : row[5], bytes: row[6]}));
  }

  // A line over the time of the process; where it was not told there is none.
  function sparkline(parent, row) {
    const times = processes[chosen].times, last = times.length - 1;
    const x = (i) => 1 + (WIDE - 2) * (last > 0 ? (times[i] - times[0]) / (times[last] - times[0]) : 0.5);
    const y = (bytes) => HIGH - 2 - (HIGH - 4) * (row.most ? bytes / row.most : 0);
    const svg = document.createElementNS(SVG, 'svg'), path = document.createElementNS(SVG, 'path');
    let line = '', on = false;
    row.bytes.forEach((bytes, i) => {
      if (bytes !== null) line += (on ? 'L' : 'M') + x(i).toFixed(1) + ' ' + y(bytes).toFixed(1);
      // A point that stands alone is drawn as a dot.
      if (bytes !== null && !on && (i === last || row.bytes[i + 1] === null)) line += 'h0.1';
      on = bytes !== null;
    });
    svg.setAttribute('viewBox', '0 0 ' + WIDE + ' ' + HIGH);
    svg.setAttribute('aria-hidden', 'true'); // its numbers stand beside it
    path.setAttribute('d', line);
    svg.appendChild(path);
    parent.appendChild(svg);
  }

  // ---- the table

  function compare(a, b) {
    const left = a[order.by], right = b[order.by];
    if (left === null || right === null) return (left === null) - (right === null);
    return (left < right ? -1 : left > right ? 1 : 0) * (order.rising ? 1 : -1);
  }
  function fill(body, count, choice) {
    makeOptions(choice);
    const all = rows(), found = all.filter((row) => row.name.toLowerCase().includes(wanted));
    body.textContent = '';
    found.sort(compare).forEach((row) => {
      const line = element('tr', null, body);
      element('td', row.name, line);
      element('td', known(row.objects, (objects) => objects.toLocaleString('en')), line);
      element('td', size(row.least), line);
      element('td', known(row.now, size), line);
      element('td', size(row.most), line);
      element('td', grown(row), line);
      sparkline(element('td', null, line), row);
    });
    count.textContent = (wanted ? found.length + ' of ' : '') + all.length + ' types';
  }
  function makeHead(table) {
    const head = element('tr', null, element('thead', null, table));
    sortableHeads(head, columns, order, () => refill());
    element('th', 'over time', head).scope = 'col';
  }
  // One process needs no choice; others may come while a page is live.
  function makeOptions(choice) {
    choice.className = processes.length < 2 ? 'hidden' : '';
    for (const types of processes.slice(choice.length)) element('option', types.process, choice);
  }
  function makeChoice(parent) {
    const choice = element('select', null, parent);
    choice.setAttribute('aria-label', 'process');
    choice.addEventListener('change', () => {
      chosen = choice.selectedIndex;
      refill();
    });
    return choice;
  }
  function makeSearch(parent) {
    const search = element('input', null, parent);
    search.type = 'search';
    search.placeholder = 'search';
    search.setAttribute('aria-label', 'search types');
    search.addEventListener('input', () => {
      wanted = search.value.trim().toLowerCase();
      refill();
    });
  }

  function makeList() {
    place.className = '';
    element('h2', 'Types of objects', place);
    const line = element('div', null, place), count = element('span', null, line), choice = makeChoice(line);
    const table = element('table', null, place);
    count.setAttribute('role', 'status');
    makeSearch(line);
    makeHead(table);
    const body = element('tbody', null, table);
    refill = () => fill(body, count, choice);
  }
  function take(newest) {
    processes = newest.types || [];
    if (!processes.length) return;
    if (!refill) makeList();
    refill();
  }

  // Versions of a page that is live are for the list, too.
  window.mprofChart = function (newest, subtitle, goesOn) {
    drawChart(newest, subtitle, goesOn);
    take(newest);
  };
  const first = JSON.parse(document.getElementById('data').textContent);
  if (first) take(first);
})();
