// Keys, and files that are dropped or chosen. Everything else is the server's.
(function () {
  "use strict";

  // Boxes and buttons take no letters; arrows move within lists and sliders.
  function typing(target, key) {
    if (target.isContentEditable || /^(textarea|select)$/i.test(target.tagName)) return true;
    const input = /^input$/i.test(target.tagName);
    if (input && !/^(checkbox|radio|range|button|file)$/.test(target.type)) return true;
    return key.startsWith("Arrow") && (input || !!target.closest("[role=listbox], [role=menu], [role=slider], .v-overlay"));
  }

  document.addEventListener(
    "keydown",
    function (event) {
      if (event.ctrlKey || event.altKey || event.metaKey || event.repeat || !window.trame) return;
      if (typing(event.target, event.key) && event.key !== "Escape") return;
      // The help sheet closes by itself only once it has the focus, which comes some frames after it is open.
      if (event.key === "Escape" && window.trame.state.get("page_help_open")) window.trame.state.set("page_help_open", false);
      const keys = window.trame.state.get("page_keys") || [];
      const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
      if (!keys.includes(key)) return;
      // Escape closes menus and sheets too.
      if (key !== "Escape") {
        event.preventDefault();
        event.stopPropagation();
      }
      window.trame.trigger("page_key", [key]);
    },
    true
  );

  // A page without its server says so; nothing of the work is in the page.
  function cover(title, text, button) {
    const sheet = document.createElement("div");
    sheet.className = "cem-cover";
    const main = document.createElement("main");
    const head = document.createElement("h1");
    head.textContent = title;
    const words = document.createElement("p");
    words.textContent = text;
    main.append(head, words);
    if (button) {
      const link = document.createElement("a");
      link.href = button[0];
      link.textContent = button[1];
      main.append(link);
    }
    sheet.append(main);
    document.body.append(sheet);
  }

  async function lost() {
    try {
      const answer = await fetch("/session", { cache: "no-store" });
      if ((await answer.json()).open) {
        cover("This review went on in another tab", "One tab at a time can use it.", ["/?here=1", "Use it in this tab"]);
      } else {
        location.reload();
      }
    } catch (error) {
      cover(
        "The review has ended",
        "Start cemsynth review again where it was started; your regions and answers are found again."
      );
    }
  }

  const watch = setInterval(function () {
    const client = window.trame && window.trame.client;
    if (!client || !client.isConnected()) return;
    clearInterval(watch);
    client.onConnectionClose(() => setTimeout(lost, 1000));
  }, 500);

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
