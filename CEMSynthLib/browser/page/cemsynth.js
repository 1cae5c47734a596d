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

  // Files are sent in one request; the server says what it thinks of them.
  window.cemsynthUpload = function (list) {
    const files = [...(list || [])];
    const state = window.trame.state;
    const limits = state.get("upload_limits");
    const total = files.reduce((sum, file) => sum + file.size, 0);
    if (!files.length || state.get("upload_busy")) return;
    if (total > limits.size || files.length > limits.count) {
      state.set("page_message", limits.sentence);
      return;
    }
    const form = new FormData();
    files.forEach((file) => form.append("file", file, file.name));
    const request = new XMLHttpRequest();
    request.open("POST", "/upload");
    request.setRequestHeader("X-CEMSynth", "1");
    request.responseType = "json";
    request.upload.onprogress = (event) =>
      state.set("upload_progress", Math.round((100 * event.loaded) / Math.max(event.total, 1)));
    request.onloadend = function () {
      state.set("upload_busy", false);
      const error = request.response && request.response.error;
      if (error) state.set("page_message", error);
      else if (request.status !== 200) state.set("page_message", "The files could not be sent; try again.");
    };
    state.set("upload_progress", 0);
    state.set("upload_busy", true);
    request.send(form);
  };

  // A file that the server has made is fetched as a download.
  window.cemsynthFetch = function (address) {
    const link = document.createElement("a");
    link.href = address;
    link.download = "";
    document.body.append(link);
    link.click();
    link.remove();
  };

  document.addEventListener("dragover", (event) => {
    if ([...event.dataTransfer.types].includes("Files")) event.preventDefault();
  });
  document.addEventListener("drop", (event) => {
    if (!event.dataTransfer.files.length) return;
    event.preventDefault();
    window.cemsynthUpload(event.dataTransfer.files);
  });
})();
