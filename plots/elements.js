'use strict';
// What the scripts of pages make their elements with; each stands behind this one.
function element(name, text, parent, className) {
  const made = document.createElement(name);
  if (text !== null) made.textContent = text;
  if (className) made.className = className;
  if (parent) parent.appendChild(made);
  return made;
}
// The heads of columns, each [key, text], in a table's row. Who presses one sorts by it, by the key
// 'name' from the first on: `order` has `by` and `rising`. Then the rows are to be made anew.
function sortableHeads(head, columns, order, makeAnew) {
  columns.forEach(([key, text]) => {
    const cell = element('th', null, head), button = element('button', text, cell);
    button.type = 'button';
    cell.scope = 'col';
    if (order.by === key) cell.setAttribute('aria-sort', 'descending');
    button.addEventListener('click', () => {
      order.rising = order.by === key ? !order.rising : key === 'name';
      order.by = key;
      Array.from(head.children).forEach((other) => other.removeAttribute('aria-sort'));
      cell.setAttribute('aria-sort', order.rising ? 'ascending' : 'descending');
      makeAnew();
    });
  });
}
