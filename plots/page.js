// Longer than 500 lines because a page is one file that needs nothing else.
(function () {
  const SVG = 'http://www.w3.org/2000/svg';
  const BOTTOM = 44, ROW = 23, GAP = 8, TAGS = 18, SMALL = 12, PEAK = 14, LEAST_LETTERS = 3;
  const STRIDE = 5; // of layers: a time, and the upper edge of each
  const FONT = '"DejaVu Sans", "Segoe UI", "Helvetica Neue", Arial, sans-serif'; // as page.css has it
  const dark = window.matchMedia('screen and (prefers-color-scheme: dark)');
  const onDark = {'#0b5394': '#5aa9f0', '#882255': '#d2649b', '#000000': '#dddddd'};
  let data = null, home = [0, 1], tags = 0, lanes = 0, shown = []; // see take()
  let view = home, width = 1000, most = 1, cursor = null, drag = null, marked = null;
  let LEFT = 64, RIGHT = 14, TOP = 10, HEIGHT = 420, narrow = false; // see size()
  let clicked = -1000; // when, in milliseconds
  let openWords = 'never ended'; // of a call without an end

  const chart = document.getElementById('chart'), tip = document.getElementById('tip');
  const said = document.getElementById('said');
  const svg = shape('svg', {tabindex: 0, role: 'img', 'aria-describedby': 'said', 'class': 'hidden'});
  const drawing = shape('g', {}, svg), over = shape('g', {}, svg);
  chart.insertBefore(svg, tip);

  function shape(name, attributes, parent) {
    const element = document.createElementNS(SVG, name);
    for (const key in attributes) element.setAttribute(key, attributes[key]);
    if (parent) parent.appendChild(element);
    return element;
  }
  function label(parent, text, x, y, attributes) {
    const element = shape('text', Object.assign({x: x, y: y}, attributes), parent);
    element.textContent = text;
    return element;
  }
  // Makes what is in an element anew; of its named parts the one with the focus keeps that.
  function remake(parent, make) {
    const focus = parent.contains(document.activeElement) && document.activeElement.dataset.name;
    parent.textContent = '';
    make(parent);
    if (focus) Array.from(parent.querySelectorAll('[data-name]'))
      .filter((part) => part.dataset.name === focus).forEach((part) => part.focus({preventScroll: true}));
  }
  // Lines end between the parts of a text; one that is longer than a line ends behind / = or comma.
  function keepWhole(parent, separator) {
    const parts = parent.textContent.split(separator);
    parent.textContent = '';
    parts.forEach((part, i) => {
      if (i) parent.appendChild(document.createTextNode(separator));
      const whole = element('span', null, parent, 'whole');
      (part.match(/[^/=,]+[/=,]*|[/=,]+/g) || []).forEach((text) => element('span', text, whole, 'whole'));
    });
  }
  // Names may be broken behind these characters.
  function breakable(parent, name) {
    name.split(/([._/:-]+)/).forEach((part, i) => {
      parent.appendChild(document.createTextNode(part));
      if (i % 2) parent.appendChild(document.createElement('wbr'));
    });
  }
  function swatch(parent, colour) {
    const made = document.createElement('i');
    made.style.background = colour;
    parent.insertBefore(made, parent.firstChild);
  }
  function colour(series) { return dark.matches && onDark[series.colour] || series.colour; }

  // ---- texts in their room

  const pen = document.createElement('canvas').getContext('2d');
  function wide(text, size) {
    pen.font = size + 'px ' + FONT;
    return pen.measureText(text).width;
  }
  // What fits of a name and what stands behind it: both, the name, its begin and an ellipsis, or nothing.
  function fit(name, behind, room) {
    if (wide(name + behind, SMALL) <= room) return name + behind;
    if (wide(name, SMALL) <= room) return name;
    const letters = Array.from(name).slice(0, Math.max(0, Math.floor(room)));
    while (letters.length && wide(letters.join('') + '\u2026', SMALL) > room) letters.pop();
    return letters.length < LEAST_LETTERS ? '' : letters.join('') + '\u2026';
  }

  // ---- numbers as text, like the other forms of a chart

  function memory(mebibytes) {
    const size = Math.abs(mebibytes);
    if (size >= 1023.5) return (mebibytes / 1024).toFixed(size >= 1024 * 99.95 ? 0 : 2) + ' GiB';
    return mebibytes.toFixed(size >= 99.95 ? 0 : size >= 9.995 ? 1 : 2) + ' MiB';
  }
  function change(mebibytes) {
    return (mebibytes < 0 ? '\u2212' : '+') + memory(Math.abs(mebibytes));
  }
  function two(number) { return (number < 10 ? '0' : '') + number; }
  function duration(seconds) {
    const whole = Math.floor(seconds + 0.5);
    if (seconds < 0.9995e-3) return (seconds * 1e6).toFixed(0) + ' \u00b5s';
    if (seconds < 0.9995) return (seconds * 1e3).toFixed(seconds < 0.00995 ? 1 : 0) + ' ms';
    if (seconds < 120) return seconds.toFixed(seconds < 9.995 ? 2 : 1) + ' s';
    if (whole < 7200) return Math.floor(whole / 60) + ':' + two(whole % 60) + ' min';
    return Math.floor(whole / 3600) + ':' + two(Math.floor(whole / 60) % 60) + ' h';
  }
  function decimals(step) { return Math.max(0, Math.ceil(-Math.log10(step) - 1e-9)); }
  function moment(time, step) {
    const whole = Math.round(time);
    if (view[1] < 120 || step < 1) return time.toFixed(decimals(step));
    if (view[1] < 7200 || step < 60) return Math.floor(whole / 60) + ':' + two(whole % 60);
    return Math.floor(whole / 3600) + ':' + two(Math.floor(whole / 60) % 60);
  }
  function roundStep(rough) {
    const power = Math.pow(10, Math.floor(Math.log10(rough)));
    for (const digit of [1, 2, 5]) if (rough <= digit * power * 1.000001) return digit * power;
    return 10 * power;
  }
  function roundTime(rough) {
    if (rough < 1 || view[1] < 120) return roundStep(rough);
    for (const step of [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800,
      21600, 43200, 86400]) if (rough <= step) return step;
    return 86400 * roundStep(rough / 86400);
  }

  // ---- scales

  // In a narrow window the axis of memory has no title: its unit stands over it.
  function size() {
    width = Math.max(240, chart.clientWidth);
    narrow = width < 600;
    LEFT = narrow ? 44 : 64;
    RIGHT = narrow ? 10 : 14;
    TOP = (narrow ? 20 : 10) + tags;
    HEIGHT = Math.max(220, Math.min(420, Math.round(window.innerHeight * 0.6)));
  }
  function right() { return width - RIGHT; }
  function zero() { return TOP + HEIGHT; }
  function x(time) { return LEFT + (time - view[0]) / (view[1] - view[0]) * (right() - LEFT); }
  function y(mebibytes) { return zero() - mebibytes / most * HEIGHT; }
  function timeAt(pixel) {
    return view[0] + (pixel - LEFT) / (right() - LEFT) * (view[1] - view[0]);
  }
  function each(series, use) {
    if (series.columns) {
      for (let i = 0; i < series.columns.length; i += 4) use(series.columns[i], series.columns[i + 2]);
    } else {
      for (let i = 0; i < series.points.length; i += 2) use(series.points[i], series.points[i + 1]);
    }
    for (let i = 0; i < series.spikes.length; i += 2) use(series.spikes[i], series.spikes[i + 1]);
  }
  function measure() {
    most = 0;
    data.series.forEach((series, i) => {
      if (!shown[i]) return;
      let before = null;
      each(series, (time, value) => {
        if (time >= view[0] && time <= view[1]) most = Math.max(most, value);
        else if (time < view[0]) before = value;
      });
      if (before !== null) most = Math.max(most, before * 0.5);
      if (series.peak && inView(series.peak[0])) most = Math.max(most, series.peak[1]);
    });
    if (data.layers) for (let i = 0; i < data.layers.points.length; i += STRIDE)
      if (inView(data.layers.points[i])) most = Math.max(most, data.layers.points[i + STRIDE - 1]);
    eachPiece((text, begin, end, value) => { most = Math.max(most, value); });
    most = (most || 1) * 1.094;
  }
  // The pieces of limits that are in view.
  function eachPiece(use) {
    (data.limits || []).forEach((limit) => {
      for (let i = 0; i < limit[1].length; i += 3)
        if (limit[1][i] <= view[1] && limit[1][i + 1] >= view[0])
          use(limit[0], Math.max(view[0], limit[1][i]), Math.min(view[1], limit[1][i + 1]), limit[1][i + 2]);
    });
  }
  function inView(time) { return time >= view[0] && time <= view[1]; }

  // ---- drawing

  // `lifts` are the rows to which no line comes: between them and those before nothing ran.
  function path(numbers, stride, at, lifts) {
    let text = '', before = -1;
    for (let i = 0; i < numbers.length; i += stride) {
      const time = numbers[i];
      if (time < view[0]) { before = i; continue; }
      const lifted = lifts && lifts.includes(i / stride);
      if (!text && before >= 0 && !lifted)
        text = 'M' + x(numbers[before]).toFixed(1) + ' ' + y(numbers[before + at]).toFixed(1);
      if (lifted && time > view[1]) break;
      text += (text && !lifted ? 'L' : 'M') + x(time).toFixed(1) + ' ' + y(numbers[i + at]).toFixed(1);
      if (time > view[1]) break;
    }
    return text;
  }
  // What is filled goes down to zero there.
  function grounded(numbers, stride, lifts) {
    let result = [], from = 0;
    const zeroes = new Array(stride - 1).fill(0);
    for (const row of lifts || []) {
      const at = row * stride;
      result = result.concat(numbers.slice(from, at), numbers[at - stride], zeroes, numbers[at], zeroes);
      from = at;
    }
    return from ? result.concat(numbers.slice(from)) : numbers;
  }
  function backwards(numbers, stride, at) {
    let text = '';
    for (let i = numbers.length - stride; i >= 0; i -= stride)
      if (numbers[i] >= view[0] && numbers[i] <= view[1])
        text += 'L' + x(numbers[i]).toFixed(1) + ' ' + y(numbers[i + at]).toFixed(1);
    return text;
  }
  function line(text, colour, weight, parent, className) {
    if (!text) return;
    const attributes = {d: text, 'stroke-width': weight, fill: 'none', 'stroke-linejoin': 'round'};
    if (colour) attributes.stroke = colour;
    if (className) attributes['class'] = className;
    shape('path', attributes, parent);
  }
  function drawScales(parent) {
    const gibi = most >= 1536 ? 1024 : 1, step = roundStep(most / gibi / 6) * gibi;
    for (let value = 0; value <= most; value += step) {
      shape('line', {x1: LEFT, x2: right(), y1: y(value), y2: y(value), 'class': 'grid'}, parent);
      label(parent, (value / gibi).toFixed(decimals(step / gibi)), LEFT - 8, y(value) + 4,
        {'text-anchor': 'end'});
    }
    const pace = roundTime((view[1] - view[0]) / Math.max(2, (right() - LEFT) / (narrow ? 70 : 150)));
    const floor = zero() + lanes;
    for (let time = Math.ceil(view[0] / pace - 1e-9) * pace; time <= view[1]; time += pace) {
      shape('line', {x1: x(time), x2: x(time), y1: TOP, y2: floor, 'class': 'grid'}, parent);
      const text = moment(time, pace), half = wide(text, SMALL) / 2;
      label(parent, text, Math.min(x(time), width - half - 1), floor + 18, {'text-anchor': 'middle'});
    }
    shape('line', {x1: LEFT, x2: right(), y1: zero(), y2: zero(), 'class': 'axis'}, parent);
    if (narrow) label(parent, gibi > 1 ? 'GiB' : 'MiB', LEFT - 8, TOP - 10, {'text-anchor': 'end'});
    else label(parent, gibi > 1 ? 'memory (GiB)' : 'memory (MiB)', 0, 0, {'text-anchor': 'middle',
      transform: 'translate(14 ' + (TOP + HEIGHT / 2) + ') rotate(-90)'});
    label(parent, view[1] < 120 ? 'time (s)' : view[1] < 7200 ? 'time (min:s)' : 'time (h:min)',
      (LEFT + right()) / 2, floor + 36, {'text-anchor': 'middle'});
  }
  function box(span) {
    const left = Math.max(LEFT, x(span.begin)), end = Math.min(right(), x(span.end));
    const wide = Math.max(1, end - left);
    if (data.flame) {
      const high = HEIGHT * 0.7 / data.rows;
      return [left, zero() - (span.row + 1) * high + 1, wide, high - 1];
    }
    return [left, zero() + GAP + span.row * ROW, wide, ROW - 3];
  }
  function behind(span) {
    return '  ' + (span.open ? '\u2026' : duration(span.end - span.begin));
  }
  function drawBands(parent, visible) {
    const blocks = visible.filter((span) => span.block);
    let taken = 0;
    blocks.forEach((span) => {
      const place = box(span);
      shape('rect', {x: place[0], y: TOP - TAGS, width: place[2], height: HEIGHT + TAGS,
        'class': 'band', 'data-band': span.number}, parent);
    });
    blocks.forEach((span) => {
      const place = box(span), text = taken > place[0] ? '' : fit(span.name, behind(span), place[2] - 8);
      if (!text) return; // its bar and its row name it, too
      label(parent, text, place[0] + 4, TOP - 5, {'class': 'tag', 'data-of': span.number});
      taken = place[0] + wide(text, SMALL) + 8;
    });
  }
  function drawBars(parent, visible) {
    const ends = [];
    visible.forEach((span) => {
      const place = box(span);
      if (place[2] <= 1 && ends[span.row] >= place[0] + 0.5) return; // too dense to be told apart
      ends[span.row] = place[0] + place[2];
      const bar = shape('rect', {x: place[0], y: place[1], width: place[2], height: place[3],
        fill: span.colour, 'data-span': span.number}, parent);
      const names = ['span'];
      if (data.flame) names.push('flame');
      if (marked !== null && marked !== span.full) names.push('dim');
      bar.setAttribute('class', names.join(' '));
      if (span.open) for (let i = 1; i < 4; i++) shape('rect', {x: place[0] + place[2] - 4 * i,
        y: place[1], width: 4 - i, height: place[3], 'class': 'open'}, parent);
      const text = place[2] < 20 || place[3] < SMALL ? '' : fit(span.name, behind(span), place[2] - 9);
      if (text) label(parent, text, place[0] + 5, place[1] + 14, {'class': 'bar', 'data-of': span.number});
    });
  }
  // The highest first: each goes down to zero, and those below it are drawn over it.
  function drawLayers(group) {
    const layers = data.layers;
    if (!layers) return;
    const numbers = grounded(layers.points, STRIDE, layers.lifts);
    const last = numbers[numbers.length - STRIDE];
    for (let part = STRIDE - 1; part > 0; part--) {
      const top = path(numbers, STRIDE, part);
      if (top) shape('path', {d: top + 'L' + x(Math.min(last, view[1])) + ' ' + zero() + 'L' +
        x(Math.max(numbers[0], view[0])) + ' ' + zero() + 'Z', fill: layers.kinds[part - 1][2],
        'class': 'layer'}, group);
    }
  }
  function drawLimits(parent) {
    eachPiece((text, begin, end, value) => {
      line('M' + x(begin) + ' ' + y(value) + 'H' + x(end), null, 1.6, parent, 'limit');
    });
    (data.limits || []).forEach((limit) => {
      const value = limit[1][limit[1].length - 1];
      label(parent, limit[0], right() - 4, Math.max(TOP + 12, y(value) - 6), {'class': 'limited',
        'text-anchor': 'end'});
    });
  }
  function drawSeries(parent, clip) {
    const group = shape('g', {'clip-path': 'url(#' + clip + ')'}, parent);
    drawLayers(group);
    data.series.forEach((series, i) => {
      if (!shown[i]) return;
      const weight = series.role === 'main' ? 2.2 : series.role === 'child' ? 1.6 : 1;
      const single = series.role === 'main' && data.profiles === 1 && !data.layers;
      if (series.columns) {
        const band = grounded(series.columns, 4, series.lifts), top = path(band, 4, 2);
        if (top) shape('path', {d: top + backwards(band, 4, 1) + 'Z', fill: colour(series),
          'class': 'dense'}, group);
        line(path(series.columns, 4, 2, series.lifts), colour(series), 0.7, group);
        line(path(series.columns, 4, 3, series.lifts), colour(series), weight, group);
      } else {
        const text = path(series.points, 2, 1, series.lifts);
        const area = series.lifts ? path(grounded(series.points, 2, series.lifts), 2, 1) : text;
        const last = series.points[series.points.length - 2];
        if (text && single) shape('path', {d: area + 'L' + x(Math.min(last, view[1])) + ' ' + zero() +
          'L' + x(Math.max(series.points[0], view[0])) + ' ' + zero() + 'Z', fill: colour(series),
          'class': 'fill'}, group);
        line(text, colour(series), weight, group, 'curve');
        if (series.points.length === 2) shape('circle', {cx: x(series.points[0]),
          cy: y(series.points[1]), r: 3, fill: colour(series)}, group);
      }
      line(path(series.spikes, 2, 1), colour(series), 0.7, group);
    });
    if (data.trend) line(path(data.trend, 2, 1), null, 1.6, group, 'trendline');
  }
  function drawPeaks(parent) {
    data.series.forEach((series, i) => {
      if (!shown[i] || !series.peak || series.role === 'other' || !inView(series.peak[0])) return;
      const px = x(series.peak[0]), py = y(series.peak[1]);
      if (series.role === 'main' && data.profiles === 1) {
        line('M' + LEFT + ' ' + py + 'H' + right(), null, 1.1, parent, 'dash');
        line('M' + px + ' ' + py + 'V' + zero(), null, 1.1, parent, 'dash');
        const text = 'peak ' + memory(series.peak[1]) + ' at ' + duration(series.peak[0]);
        const long = wide(text, PEAK);
        const begin = px + 10 + long <= right() ? px + 10 : px - 10 - long;
        label(parent, text, Math.max(LEFT + 4, begin), Math.max(TOP + 14, py - 9), {'class': 'peak'});
      }
      shape('circle', {cx: px, cy: py, r: series.role === 'main' ? 4 : 3, fill: colour(series)}, parent);
    });
    if (data.trendText) label(parent, data.trendText, right() - 4,
      Math.max(TOP + 28, y(data.trend[3]) - 8), {'class': 'trend', 'text-anchor': 'end'});
  }
  function visibleSpans() {
    return data.spans.filter((span) => span.end >= view[0] && span.begin <= view[1]);
  }
  function render() {
    size();
    const height = zero() + lanes + BOTTOM;
    svg.setAttribute('viewBox', '0 0 ' + width + ' ' + height);
    measure();
    while (drawing.firstChild) drawing.removeChild(drawing.firstChild);
    const clip = shape('clipPath', {id: 'area'}, shape('defs', {}, drawing));
    shape('rect', {x: LEFT, y: TOP - 4, width: right() - LEFT, height: HEIGHT + 4}, clip);
    const visible = visibleSpans();
    drawBands(drawing, visible);
    if (data.flame) drawBars(drawing, visible);
    drawScales(drawing);
    if (!data.flame) drawBars(drawing, visible);
    drawSeries(drawing, 'area');
    drawLimits(drawing);
    drawPeaks(drawing);
    document.getElementById('all').disabled = view[0] === home[0] && view[1] === home[1];
    svg.dataset.begin = view[0];
    svg.dataset.end = view[1];
    point();
  }

  // ---- what is under the cursor

  // Of the places from low to high; -1 where there is none.
  function nearest(numbers, stride, low, high, time) {
    if (high < low) return -1;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (numbers[middle * stride] <= time) low = middle; else high = middle;
    }
    const i = time - numbers[low * stride] <= numbers[high * stride] - time ? low : high;
    return i * stride;
  }
  function value(series, time) {
    const numbers = series.columns || series.points, stride = series.columns ? 4 : 2;
    if (!numbers.length || time < numbers[0] - 1e-9 || time > numbers[numbers.length - stride] + 1e-9)
      return null;
    const inGap = (row) => time > numbers[(row - 1) * stride] && time < numbers[row * stride];
    if (series.lifts && series.lifts.some(inGap)) return null;
    // Where the window cuts the line stands a point that nobody measured.
    const cut = series.cut || [0, 0];
    const i = nearest(numbers, stride, cut[0], numbers.length / stride - 1 - cut[1], time);
    if (i < 0) return null;
    if (!series.columns) return {time: numbers[i], at: numbers[i + 1], text: memory(numbers[i + 1])};
    return {time: numbers[i], at: numbers[i + 3], text: memory(numbers[i + 3]) + ' (' +
      memory(numbers[i + 1]) + ' \u2026 ' + memory(numbers[i + 2]) + ')'};
  }
  // What the parts are at a time; null where nothing was measured.
  function partsAt(time) {
    const numbers = data.layers ? data.layers.points : [], rows = numbers.length / STRIDE;
    if (!rows || time < numbers[0] - 1e-9 || time > numbers[(rows - 1) * STRIDE] + 1e-9) return null;
    const inGap = (row) => time > numbers[(row - 1) * STRIDE] && time < numbers[row * STRIDE];
    if (data.layers.lifts.some(inGap)) return null;
    const i = nearest(numbers, STRIDE, 0, rows - 1, time);
    return data.layers.kinds.map((kind, part) => numbers[i + 1 + part] - (part ? numbers[i + part] : 0));
  }
  function point() {
    while (over.firstChild) over.removeChild(over.firstChild);
    tip.textContent = '';
    tip.className = 'hidden';
    if (drag && drag.to !== null) {
      shape('rect', {x: Math.min(drag.from, drag.to), y: TOP, width: Math.abs(drag.to - drag.from),
        height: HEIGHT, 'class': 'drag'}, over);
      return;
    }
    if (cursor === null || !inView(cursor)) return;
    const lines = ['t = ' + (cursor < 120 ? cursor.toFixed(Math.max(1, decimals((view[1] - view[0]) / 500))) +
      ' s' : duration(cursor))];
    element('div', lines[0], tip, 'head');
    shape('line', {x1: x(cursor), x2: x(cursor), y1: TOP, y2: zero() + lanes, 'class': 'cross'}, over);
    for (let i = data.series.length - 1; i >= 0; i--) {
      const series = data.series[i], found = shown[i] ? value(series, cursor) : null;
      if (!found) continue;
      shape('circle', {cx: x(found.time), cy: y(found.at), r: 4, fill: colour(series)}, over);
      lines.push(series.name + '  ' + found.text);
      swatch(element('div', lines[lines.length - 1], tip), colour(series));
    }
    (partsAt(cursor) || []).map((bytes, part) => [data.layers.kinds[part], bytes]).reverse()
      .forEach((row) => {
        lines.push(row[0][0] + '  ' + memory(row[1]));
        swatch(element('div', lines[lines.length - 1], tip), row[0][2]);
      });
    const stack = data.spans.filter((span) => span.begin <= cursor && cursor <= span.end);
    stack.sort((a, b) => a.row - b.row);
    if (stack.length) element('div', 'call stack', tip, 'sub');
    stack.slice(0, 16).forEach((span) => {
      const place = box(span);
      lines.push('\u2003'.repeat(span.row) + span.full + '  ' + (span.open ? openWords :
        duration(span.end - span.begin) + '  ' + change(span.memory[1] - span.memory[0])));
      swatch(element('div', lines[lines.length - 1], tip), span.colour);
      shape('rect', {x: place[0], y: place[1], width: place[2], height: place[3], 'class': 'mark'}, over);
    });
    said.textContent = lines.join(', ');
    tip.className = '';
    const scale = chart.clientWidth / width, at = x(cursor) * scale;
    tip.style.top = 40 * scale + 'px';
    tip.style.left = (at + 16 + tip.offsetWidth > chart.clientWidth ?
      Math.max(0, at - 16 - tip.offsetWidth) : at + 16) + 'px';
  }

  // ---- zoom

  function show(begin, end) {
    const least = (home[1] - home[0]) / 1e5, long = Math.min(Math.max(end - begin, least),
      home[1] - home[0]);
    begin = Math.min(Math.max(begin, home[0]), home[1] - long);
    view = [begin, begin + long];
    render();
  }
  function zoom(factor, time) {
    show(time - (time - view[0]) * factor, time + (view[1] - time) * factor);
  }
  function pixel(event) {
    const place = svg.getBoundingClientRect();
    return Math.min(right(), Math.max(LEFT, (event.clientX - place.left) * width / place.width));
  }
  svg.addEventListener('pointermove', (event) => {
    const at = pixel(event);
    if (drag) drag.to = at; else cursor = timeAt(at);
    point();
  });
  svg.addEventListener('pointerleave', (event) => {
    if (drag || event.pointerType === 'touch') return; // what a finger has shown stays
    cursor = null;
    point();
  });
  svg.addEventListener('pointerdown', (event) => {
    if (event.button !== 0) return;
    drag = {from: pixel(event), to: null};
    svg.setPointerCapture(event.pointerId);
  });
  svg.addEventListener('pointerup', (event) => {
    const done = drag;
    drag = null;
    if (done && done.to !== null && Math.abs(done.to - done.from) > 4) {
      const times = [timeAt(done.from), timeAt(done.to)].sort((a, b) => a - b);
      show(times[0], times[1]);
    } else if (event.timeStamp - clicked < 500) {
      show(home[0], home[1]); // the browser's own dblclick is lost when its target is drawn anew
    } else {
      clicked = event.timeStamp;
    }
    cursor = timeAt(pixel(event));
    point();
  });
  svg.addEventListener('pointercancel', () => { drag = null; point(); });
  svg.addEventListener('wheel', (event) => {
    event.preventDefault();
    zoom(Math.exp(Math.max(-1, Math.min(1, event.deltaY / 300))), timeAt(pixel(event)));
  }, {passive: false});
  svg.addEventListener('keydown', (event) => {
    const span = view[1] - view[0], middle = cursor === null ? (view[0] + view[1]) / 2 : cursor;
    const step = span / (event.shiftKey ? 20 : 200);
    if (event.key === 'ArrowLeft') cursor = Math.max(home[0], middle - step);
    else if (event.key === 'ArrowRight') cursor = Math.min(home[1], middle + step);
    else if (event.key === 'Home') cursor = view[0];
    else if (event.key === 'End') cursor = view[1];
    else if (event.key === '+' || event.key === '=') return zoom(0.7, middle);
    else if (event.key === '-') return zoom(1 / 0.7, middle);
    else if (event.key === '0' || event.key === 'Escape') return show(home[0], home[1]);
    else return undefined;
    event.preventDefault();
    if (!inView(cursor)) return show(cursor - span / 2, cursor + span / 2);
    return point();
  });
  document.getElementById('all').addEventListener('click', () => show(home[0], home[1]));
  document.getElementById('in').addEventListener('click', () => zoom(0.7, (view[0] + view[1]) / 2));
  document.getElementById('out').addEventListener('click', () => zoom(1 / 0.7, (view[0] + view[1]) / 2));

  // ---- legend and call list

  function makeLegend(legend) {
    for (let i = data.series.length - 1; i >= 0; i--) {
      const series = data.series[i];
      if (!series.legend) continue;
      const button = element('button', series.legend, legend);
      button.type = 'button';
      button.dataset.name = series.name;
      button.setAttribute('aria-pressed', String(shown[i]));
      swatch(button, colour(series));
      button.addEventListener('click', () => {
        const now = button.getAttribute('aria-pressed') !== 'true';
        button.setAttribute('aria-pressed', String(now));
        data.series.forEach((other, j) => {
          if (j === i || (series.role === 'other' && other.role === 'other')) shown[j] = now;
        });
        render();
      });
    }
    (data.layers ? data.layers.kinds : []).slice().reverse().forEach((kind) => {
      swatch(element('span', kind[1], legend, 'layer'), kind[2]);
    });
  }
  function totals() {
    const found = new Map();
    data.spans.forEach((span) => {
      const row = found.get(span.full) ||
        {name: span.full, colour: span.colour, calls: 0, ended: 0, time: 0, change: 0, longest: 0};
      row.calls++;
      if (!span.open) {
        row.ended++;
        row.time += span.end - span.begin;
        row.longest = Math.max(row.longest, span.end - span.begin);
        row.change += span.memory[1] - span.memory[0];
      }
      found.set(span.full, row);
    });
    return Array.from(found.values());
  }
  function mark(name) {
    marked = name;
    render();
  }
  function makeRows(body) {
    const rows = totals();
    table.className = rows.length ? '' : 'hidden';
    const by = order.by, sign = order.rising ? 1 : -1;
    rows.sort((a, b) => (a[by] < b[by] ? -1 : a[by] > b[by] ? 1 : 0) * sign);
    rows.forEach((row) => {
      const line = element('tr', null, body);
      line.tabIndex = 0;
      line.dataset.name = row.name;
      const name = element('td', null, line);
      breakable(name, row.name);
      swatch(name, row.colour);
      element('td', String(row.calls), line);
      // Of a call that never ended nobody knows more.
      element('td', row.ended ? duration(row.time) : openWords, line);
      element('td', row.ended ? duration(row.longest) : '', line);
      element('td', row.ended ? change(row.change) : '', line);
      line.addEventListener('mouseenter', () => mark(row.name));
      line.addEventListener('focus', () => mark(row.name));
      ['mouseleave', 'blur'].forEach((kind) => line.addEventListener(kind, () => mark(null)));
    });
  }
  const table = document.getElementById('calls');
  const head = element('tr', null, element('thead', null, table)), body = element('tbody', null, table);
  const order = {by: 'time', rising: false};
  sortableHeads(head, [['name', 'function or block'], ['calls', 'calls'], ['time', 'total time'],
    ['longest', 'longest'], ['change', '\u0394 memory']], order, () => remake(body, makeRows));

  // ---- what is drawn

  // Who sees all goes on seeing all; a part that was chosen stays chosen.
  function take(newest) {
    const seesAll = view[0] === home[0] && view[1] === home[1];
    const away = data ? data.series.filter((series, i) => !shown[i]).map((series) => series.name) : [];
    data = newest;
    data.spans = data.spans.map((span, number) => ({
      full: data.names[span[0]][1], name: data.names[span[0]][0], begin: span[1], end: span[2],
      memory: [span[3], span[4]], row: span[5], block: data.names[span[0]][3] === 1, open: span[6] === 1,
      colour: data.names[span[0]][2], number: number,
    }));
    home = [data.time[0], data.time[1]];
    if (seesAll) view = home.slice();
    tags = data.names.some((name) => name[3] === 1) ? TAGS : 0;
    lanes = data.flame || !data.rows ? 0 : GAP + data.rows * ROW;
    shown = data.series.map((series) => !away.includes(series.name));
    svg.setAttribute('aria-label', data.title + ': memory over time. Arrow keys move the cursor, ' +
      'plus and minus zoom, 0 shows all.');
    document.getElementById('keys').className = '';
    svg.setAttribute('class', '');
    remake(document.getElementById('legend'), makeLegend);
    remake(body, makeRows);
    render();
  }
  function word(parent, text, separator) {
    if (parent.textContent === text) return;
    parent.textContent = text;
    keepWhole(parent, separator);
  }
  const title = document.querySelector('h1'), facts = document.querySelector('p'), DOT = '   \u00b7   ';
  keepWhole(title, ' ');
  keepWhole(facts, DOT);
  window.mprofChart = function (newest, subtitle, goesOn) {
    openWords = goesOn ? 'still running' : 'never ended';
    document.title = newest.title;
    word(title, newest.title, ' ');
    word(facts, subtitle, DOT);
    take(newest);
  };
  const first = JSON.parse(document.getElementById('data').textContent);
  if (first) take(first);
  window.addEventListener('resize', () => { if (data) render(); });
  dark.addEventListener('change', () => {
    if (!data) return;
    remake(document.getElementById('legend'), makeLegend);
    render();
  });
})();
