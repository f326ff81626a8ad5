'use strict';
// Keeps a page current: asks for the script beside it, which calls mprofLive(), again and again.
(function () {
  const ASK = 500, PATIENCE = 4000; // milliseconds
  const place = document.getElementById('live'), words = place.querySelector('span');
  const again = document.getElementById('again');
  let newest = null, heard = performance.now(), seen = 0, next = 0;

  // Words that have not changed are not written: who listens to the page hears them once.
  function say(state, text) {
    place.className = state;
    if (words.textContent !== text) words.textContent = text;
  }
  function look(isThere) {
    again.className = 'hidden';
    if (newest && newest.ended) return say('ended', 'ended');
    const patience = Math.max(PATIENCE, newest ? 3000 * newest.pace : 0);
    if (performance.now() - heard < patience)
      return seen > 1 ? say('live', 'live') : say('waiting', 'waiting for news');
    if (!isThere) again.className = '';
    const since = newest ? ' since ' + new Date(newest.written).toLocaleTimeString() : '';
    return say('silent', 'silent' + since + (isThere ? '' :
      ': the data beside this page is gone, as it is when the run has ended'));
  }
  function ask() {
    const script = document.createElement('script');
    const impatience = setTimeout(() => look(true), PATIENCE);
    const answered = (isThere) => {
      clearTimeout(impatience);
      script.remove();
      look(isThere);
      if (!newest || !newest.ended) next = setTimeout(ask, ASK);
    };
    next = 0;
    script.onload = () => answered(true);
    script.onerror = () => answered(false);
    script.src = place.dataset.source + '?' + Date.now(); // else it might come out of a cache
    document.head.appendChild(script);
  }
  window.mprofLive = function (version) {
    if (newest && version.written === newest.written) return;
    newest = version;
    heard = performance.now();
    seen++;
    if (version.chart) window.mprofChart(version.chart, version.facts, !version.ended);
  };
  // Timers of a page that nobody sees are slow.
  document.addEventListener('visibilitychange', () => {
    if (document.hidden || !next) return;
    clearTimeout(next);
    ask();
  });
  again.addEventListener('click', () => location.reload());
  ask();
})();
