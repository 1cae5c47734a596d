// Keys, and files that are dropped or chosen. Everything else is the server's.
(function () {
  "use strict";

  function typing(target) {
    return target.isContentEditable || /^(input|textarea|select)$/i.test(target.tagName);
  }

  document.addEventListener(
    "keydown",
    function (event) {
      if (event.ctrlKey || event.altKey || event.metaKey || event.repeat || !window.trame) return;
      if (typing(event.target) && event.key !== "Escape") return;
      const keys = window.trame.state.get("page_keys") || [];
      const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
      if (!keys.includes(key)) return;
      event.preventDefault();
      event.stopPropagation();
      window.trame.trigger("page_key", [key]);
    },
    true
  );
})();
