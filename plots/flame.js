(function () {
  const data = JSON.parse(document.getElementById('data').textContent);
  const VIEWS = [['peak', 'At the peak'], ['left', 'Left'], ['allocated', 'Allocated']];
  const ROW = 20, LEAST = 1.5, NAMED = 30, WIDTH = 9; // pixels; numbers of a node in the data
  const MOST_ROWS = 500; // of the table
  const at = (id) => document.getElementById(id);
  const icicle = at('icicle'), tip = at('tip'), table = at('table'), search = at('search');
  let view = VIEWS.findIndex((one) => one[0] === data.first);
  let shape = 'icicle', threads = false, processes = false; // whether these are merged
  let root = null, zoomed = null, chosen = null, cells = [], sorted = 3, falling = true;

  function size(bytes) {
    const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];
    let unit = 0, number = bytes;
    while (Math.abs(number) >= 1024 && unit < units.length - 1) { number /= 1024; unit++; }
    return unit === 0 ? number + ' bytes'
      : number.toFixed(number < 10 ? 2 : number < 100 ? 1 : 0) + ' ' + units[unit];
  }
  function count(number, word) {
    return number.toLocaleString('en') + ' ' + word + (number === 1 ? '' : 's');
  }
  function share(bytes, of) { return of ? (100 * bytes / of).toFixed(1) + ' %' : '0.0 %'; }

  // ---- the stacks

  function node(parent, kind, name, file, line) {
    return {parent: parent, kind: kind, name: name, file: file, line: line, children: [],
      own: [0, 0, 0, 0, 0, 0], all: [0, 0, 0, 0, 0, 0]};
  }
  function read(process) {
    const files = [], numbers = process.nodes, nodes = [node(null, 'process', process.name, '', 0)];
    process.functions.forEach((one) => { if (one.length > 2) files[one[0]] = one[2]; });
    for (let i = 0; i < numbers.length; i += WIDTH) {
      const parent = nodes[numbers[i]], number = numbers[i + 1], line = numbers[i + 2];
      const one = number < 0 ? [-1, ''] : process.functions[number];
      let made = nodes[0];
      if (i > 0) {
        made = number < 0 ? node(parent, 'rest', '', '', line)
          : one[0] < 0 ? node(parent, 'native', '(no Python)', '', 0)
            : node(parent, 'frame', one[1], files[one[0]], line);
        parent.children.push(made);
        nodes.push(made);
      }
      for (let k = 0; k < 6; k++) made.own[k] = numbers[i + 3 + k];
    }
    return nodes[0];
  }
  const read_once = data.processes.map(read);

  // How many nodes a rest is of is added up; all others are one where they look the same.
  function key(one) {
    return one.kind === 'rest' ? '' : one.kind + '\n' + one.name + '\n' + one.file + '\n' + one.line;
  }
  function add(into, from) {
    for (let k = 0; k < 6; k++) into.own[k] += from.own[k];
    from.children.forEach((child) => {
      const known = into.known || (into.known = new Map()), name = key(child);
      let made = known.get(name);
      if (!made) {
        made = node(into, child.kind, child.name, child.file, child.kind === 'rest' ? 0 : child.line);
        known.set(name, made);
        into.children.push(made);
      }
      if (child.kind === 'rest') made.line += child.line;
      add(made, child);
    });
  }
  function isThread(one) { return one.kind === 'frame' && one.file === '' && /^(main )?thread/.test(one.name); }
  // What threads run, beside what the others do.
  function withoutThreads(from) {
    const plain = {own: from.own, children: []};
    from.children.forEach((child) => {
      if (isThread(child)) plain.children.push(...child.children);
      else plain.children.push(child);
    });
    return plain;
  }
  function total(one) { // children before parents, without a stack as deep as the tree
    const order = [one];
    for (let i = 0; i < order.length; i++) order.push(...order[i].children);
    order.forEach((each) => { each.all = each.own.slice(); });
    for (let i = order.length - 1; i > 0; i--)
      for (let k = 0; k < 6; k++) order[i].parent.all[k] += order[i].all[k];
    order.forEach((each) => {
      each.children.sort((a, b) => (a.kind === 'rest') - (b.kind === 'rest') ||
        value(b) - value(a) || (a.name < b.name ? -1 : 1) || a.line - b.line);
    });
  }
  function value(one) { return one.all[2 * view]; }
  function blocks(one) { return one.all[2 * view + 1]; }
  function make() {
    const several = data.processes.length > 1;
    root = node(null, 'root', several ? 'all processes' : data.processes[0].name, '', 0);
    read_once.forEach((process) => {
      const plain = threads ? withoutThreads(process) : process;
      if (several && !processes) {
        const own = node(root, 'process', process.name, '', 0);
        root.children.push(own);
        add(own, plain);
      } else add(root, plain);
    });
    total(root);
    zoomed = chosen = root;
  }

  function base(path) { return path.slice(path.lastIndexOf('/') + 1) || path; }
  function text(one) {
    if (one.kind === 'rest') return count(one.line, 'smaller stack');
    if (one.kind !== 'frame' || !one.file) return one.name;
    return one.name + ' (' + base(one.file) + (one.line ? ':' + one.line : '') + ')';
  }
  function place(one) { return one.file ? one.file + (one.line ? ':' + one.line : '') : ''; }
  function matches(one) {
    const wanted = search.value.trim().toLowerCase();
    return wanted !== '' && (one.kind === 'frame' || one.kind === 'native') &&
      (one.name + ' ' + place(one)).toLowerCase().includes(wanted);
  }
  function tone(one) { // of a file, the same in each view
    if (one.kind === 'rest') return 'rest';
    if (one.kind !== 'frame' || !one.file) return 'plain';
    let hash = 7;
    for (const letter of one.file) hash = (hash * 31 + letter.codePointAt(0)) % 65521;
    return 'c' + hash % 8;
  }

  // ---- icicle

  function cell(one, depth, left, width, isAbove) {
    const made = element('div', width >= NAMED ? text(one) : '', icicle,
      tone(one) + (width < NAMED ? ' thin' : '') + (isAbove ? ' above' : '') +
      (matches(one) ? ' match' : '') + (one === chosen ? ' chosen' : ''));
    made.style.left = left + 'px';
    made.style.top = depth * ROW + 'px';
    made.style.width = Math.max(1, width - 1) + 'px';
    made.node = one;
    cells.push({node: one, depth: depth, left: left});
  }
  function draw() {
    const wide = icicle.clientWidth, above = [];
    let deepest = 0;
    icicle.textContent = '';
    cells = [];
    icicle.classList.toggle('searched', search.value.trim() !== '');
    for (let one = zoomed.parent; one; one = one.parent) above.unshift(one);
    above.forEach((one, depth) => cell(one, depth, 0, wide, true));
    const open = [[zoomed, above.length, 0, wide]];
    while (open.length) {
      const [one, depth, left, width] = open.pop();
      let from = left;
      cell(one, depth, left, width, false);
      deepest = Math.max(deepest, depth);
      if (!value(one)) continue;
      one.children.forEach((child) => {
        const part = width * value(child) / value(one);
        if (part >= LEAST) open.push([child, depth + 1, from, part]);
        from += part;
      });
    }
    icicle.style.height = (deepest + 1) * ROW + 'px';
    said(chosen);
  }
  function said(one) {
    at('said').textContent = text(one) + ', ' + size(value(one)) + ', ' +
      share(value(one), value(root)) + ', ' + count(blocks(one), word());
    icicle.setAttribute('aria-label', at('said').textContent);
  }
  function word() { return view === 2 ? 'allocation' : 'block'; }

  // ---- table

  const HEADS = ['Function', 'Own', 'Own blocks', 'With calls', 'Share'];
  function rows() { // each line of a function, once for each stack that it stands in
    const found = new Map(), standing = new Map();
    const open = [[zoomed, false]];
    while (open.length) {
      const [one, isDone] = open.pop(), name = key(one);
      if (one.kind === 'frame' || one.kind === 'native') {
        const deep = standing.get(name) || 0;
        if (isDone) { standing.set(name, deep - 1); continue; }
        let row = found.get(name);
        if (!row) found.set(name, row = {node: one, own: 0, blocks: 0, all: 0});
        row.own += one.own[2 * view];
        row.blocks += one.own[2 * view + 1];
        if (!deep) row.all += value(one);
        standing.set(name, deep + 1);
        open.push([one, true]);
      }
      one.children.forEach((child) => open.push([child, false]));
    }
    return Array.from(found.values());
  }
  function tabulate() {
    const of = (row) => [text(row.node), row.own, row.blocks, row.all, row.all][sorted];
    const all = rows(), body = document.createElement('tbody');
    all.sort((a, b) => (of(a) < of(b) ? -1 : of(a) > of(b) ? 1 : 0) * (falling ? -1 : 1) ||
      b.all - a.all || (text(a.node) < text(b.node) ? -1 : 1));
    table.textContent = '';
    const head = element('tr', null, element('thead', null, table));
    HEADS.forEach((name, i) => {
      const th = element('th', null, head), button = element('button', name, th);
      button.type = 'button';
      if (i === sorted) th.setAttribute('aria-sort', falling ? 'descending' : 'ascending');
      button.addEventListener('click', () => {
        falling = i === sorted ? !falling : i > 0;
        sorted = i;
        tabulate();
      });
    });
    all.slice(0, MOST_ROWS).forEach((row) => {
      const tr = element('tr', null, body, matches(row.node) ? 'match' : '');
      const name = element('td', row.node.name + ' ', tr);
      element('span', place(row.node), name);
      [size(row.own), row.blocks.toLocaleString('en'), size(row.all), share(row.all, value(root))]
        .forEach((cell) => element('td', cell, tr));
    });
    if (all.length > MOST_ROWS) {
      const more = element('td', count(all.length - MOST_ROWS, 'more line'), element('tr', null, body));
      more.colSpan = HEADS.length;
    }
    table.appendChild(body);
  }

  // ---- all of it

  function show() {
    at('total').textContent = VIEWS[view][1] + ': ' + size(value(root)) + ' in ' +
      count(blocks(root), word());
    at('path').textContent = '';
    for (let one = zoomed; one.parent; one = one.parent) {
      const goal = one.parent;
      const button = element('button', text(goal), null);
      button.type = 'button';
      button.addEventListener('click', () => zoom(goal));
      at('path').insertBefore(document.createTextNode(' \u203a '), at('path').firstChild);
      at('path').insertBefore(button, at('path').firstChild);
    }
    if (zoomed !== root) element('span', text(zoomed) + ': ' + size(value(zoomed)) + ', ' +
      share(value(zoomed), value(root)), at('path'));
    find();
    icicle.classList.toggle('hidden', shape !== 'icicle');
    table.classList.toggle('hidden', shape !== 'table');
    if (shape === 'icicle') draw();
    else tabulate();
  }
  function find() { // bytes under any frame that matches, each once
    let bytes = 0, places = 0;
    const open = [[root, false]];
    while (search.value.trim() !== '' && open.length) {
      const [one, isUnder] = open.pop(), isMatch = matches(one);
      if (isMatch) places++;
      if (isMatch && !isUnder) bytes += value(one);
      one.children.forEach((child) => open.push([child, isUnder || isMatch]));
    }
    at('found').textContent = search.value.trim() === '' ? ''
      : places ? size(bytes) + ', ' + share(bytes, value(root)) + ', in ' +
        count(places, 'frame') + ' that match' + (places === 1 ? 'es' : '')
        : 'nothing matches';
  }
  function zoom(one) {
    zoomed = chosen = one;
    hide();
    show();
  }
  function choose(one) {
    if (!one) return;
    chosen = one;
    Array.from(icicle.children).forEach((each) => each.classList.toggle('chosen', each.node === one));
    said(one);
  }
  function hide() { tip.classList.add('hidden'); }
  function explain(one, x, y) {
    tip.textContent = '';
    element('div', one.kind === 'rest' ? text(one) : one.name, tip, 'head');
    if (one.file) element('div', place(one), tip, 'sub');
    element('div', size(value(one)) + ', ' + share(value(one), value(root)) + ' of all, in ' +
      count(blocks(one), word()), tip);
    if (one.children.length && one.own[2 * view])
      element('div', 'by itself ' + size(one.own[2 * view]), tip, 'sub');
    tip.classList.remove('hidden');
    const wide = document.documentElement.clientWidth;
    tip.style.left = Math.max(4, Math.min(x + 14, wide - tip.offsetWidth - 8)) + window.scrollX + 'px';
    tip.style.top = y + 18 + window.scrollY + 'px';
  }
  function of(event) { return event.target.node; }
  icicle.addEventListener('click', (event) => {
    const one = of(event);
    if (one) zoom(one.kind === 'rest' ? one.parent : one);
  });
  icicle.addEventListener('dblclick', () => zoom(root));
  icicle.addEventListener('mousemove', (event) => {
    if (of(event)) explain(of(event), event.clientX, event.clientY);
    else hide();
  });
  icicle.addEventListener('mouseleave', hide);

  // The neighbour in the same row, by what is drawn.
  function beside(step) {
    const here = cells.find((each) => each.node === chosen);
    if (!here) return null;
    const row = cells.filter((each) => each.depth === here.depth).sort((a, b) => a.left - b.left);
    const next = row[row.indexOf(here) + step];
    return next && next.node;
  }
  function below() {
    const drawn = new Set(cells.map((each) => each.node));
    return chosen.children.find((child) => drawn.has(child));
  }
  icicle.addEventListener('keydown', (event) => {
    const moves = {ArrowUp: () => choose(chosen.parent), ArrowDown: () => choose(below()),
      ArrowLeft: () => choose(beside(-1)), ArrowRight: () => choose(beside(1)),
      Enter: () => zoom(chosen), Backspace: () => { if (zoomed.parent) zoom(zoomed.parent); }};
    if (!moves[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
    moves[event.key]();
    event.preventDefault();
  });
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target === search) {
      if (event.key === 'Escape') { search.value = ''; show(); icicle.focus(); }
    } else if (event.key === '/') {
      search.focus();
      event.preventDefault();
    } else if (event.key === 'Escape' || event.key === '0') zoom(root);
  });
  search.addEventListener('input', show);
  window.addEventListener('resize', () => { hide(); if (shape === 'icicle') draw(); });

  function buttons(parent, names, isOn, press) {
    const made = names.map((name, i) => {
      const button = element('button', name, at(parent));
      button.type = 'button';
      button.addEventListener('click', () => {
        press(i);
        made.forEach((each, k) => each.setAttribute('aria-pressed', String(isOn(k))));
      });
      return button;
    });
    made.forEach((each, k) => each.setAttribute('aria-pressed', String(isOn(k))));
  }
  function again() { // the same place, in stacks that were put together anew
    const path = [];
    for (let one = zoomed; one.parent; one = one.parent) path.unshift(key(one));
    make();
    path.every((name) => {
      const next = zoomed.children.find((child) => key(child) === name);
      if (next) zoomed = chosen = next;
      return next;
    });
    hide();
    show();
  }
  buttons('views', VIEWS.map((one) => one[1]), (i) => i === view, (i) => { view = i; again(); });
  buttons('shapes', ['icicle', 'table'], (i) => shape === ['icicle', 'table'][i], (i) => {
    shape = ['icicle', 'table'][i];
    show();
  });
  if (read_once.some((process) => process.children.some(isThread)))
    buttons('joins', ['merge threads'], () => threads, () => { threads = !threads; again(); });
  if (data.processes.length > 1)
    buttons('joins', ['merge processes'], () => processes, () => { processes = !processes; again(); });
  at('controls').classList.remove('hidden');
  at('keys').classList.remove('hidden');
  make();
  show();
})();
