"use strict";
// Shows what the server sends; it asks for nothing but events and pictures.
(() => {
  const $ = (id) => document.getElementById(id);
  const turns = new Map();
  const stages = ["recognise", "fuse", "skill"];
  const colours = ["#d97706", "#0b6e3f", "#7c3aed"];
  let paused = false;
  let lastTurn = null;

  $("pause").addEventListener("click", () => {
    paused = !paused;
    $("pause").setAttribute("aria-pressed", String(paused));
    $("pause").textContent = paused ? "Go on with the display" : "Pause the display";
    if (!paused) { drawTurns(); drawLatency(); }
  });

  // The sound: one column of digits is 10 ms; the canvas scrolls to the left.
  const canvas = $("mel");
  const paint = canvas.getContext("2d");
  const shades = Array.from({ length: 10 }, (_, i) => `hsl(${250 - 21 * i} 75% ${4 + 7 * i}%)`);
  function drawSound(columns) {
    const width = columns.length;
    if (!width) return;
    paint.drawImage(canvas, -width, 0);
    columns.forEach((column, i) => {
      const high = canvas.height / column.length;
      for (let band = 0; band < column.length; band++) {
        paint.fillStyle = shades[Number(column[band])];
        paint.fillRect(canvas.width - width + i, canvas.height - (band + 1) * high, 1, Math.ceil(high));
      }
    });
  }

  function cell(row, text) {
    const made = document.createElement("td");
    made.textContent = text;
    row.append(made);
    return made;
  }

  function drawTurns() {
    const rows = [...turns.values()].slice(-50).reverse().map((turn) => {
      const row = document.createElement("tr");
      cell(row, String(turn.number));
      cell(row, turn.text || "(no words)");
      const labels = cell(row, "");
      for (const [head, [label, share]] of Object.entries(turn.heads || {})) {
        const line = document.createElement("div");
        const small = document.createElement("span");
        small.className = "share";
        small.textContent = ` ${head} ${Math.round(share * 100)} %`;
        line.append(label, small);
        labels.append(line);
      }
      cell(row, turn.answer === undefined ? "" : turn.answer || `(silent: ${turn.skill})`);
      cell(row, turn.latency == null ? "" : `${turn.latency.toFixed(2)} s`);
      return row;
    });
    if (rows.length) $("turns").replaceChildren(...rows);
  }

  let plot = null;
  function drawLatency() {
    const done = [...turns.values()].filter((turn) => turn.milliseconds).slice(-30);
    if (!done.length || typeof uPlot === "undefined") return;
    const data = [done.map((t) => t.number), ...stages.map((s) => done.map((t) => t.milliseconds[s] ?? null))];
    if (plot) { plot.setData(data); return; }
    const ink = getComputedStyle(document.body).color;
    const axis = { stroke: ink, grid: { stroke: "#8884", width: 1 } };
    plot = new uPlot({
      width: $("latency").clientWidth, height: 220,
      scales: { x: { time: false }, y: { distr: 3, range: (u, low, high) => [Math.max(0.01, low / 2), high * 2] } },
      series: [{ label: "turn" }, ...stages.map((label, i) => ({ label, stroke: colours[i], width: 2, points: { show: true, size: 7 } }))],
      axes: [{ ...axis, values: (u, ticks) => ticks.map((t) => (Number.isInteger(t) ? t : "")) }, { ...axis, label: "ms (log)" }],
    }, data, $("latency"));
    addEventListener("resize", () => plot.setSize({ width: $("latency").clientWidth, height: 220 }));
  }

  const words = {
    Woken: (e) => `woken by "${e.phrase}" (${e.score.toFixed(2)})${e.barged_in ? ", cutting an answer short" : ""}`,
    SelfHeard: (e) => `heard itself say "${e.phrase}": ignored`,
    NothingSaid: () => "nothing was said",
    Heard: (e) => `utterance of ${e.seconds.toFixed(1)} s${e.cut ? ", cut" : ""}`,
    Recognised: (e) => `"${e.text}" (${e.recogniser})`,
    SpeechStarted: (e) => `says "${e.text}"`,
    SpeechEnded: (e) => (e.cut ? `cut short by "${e.cut}"` : "has spoken"),
    TimerRang: (e) => `timer for ${e.name} rings`,
    Happened: (e) => `${e.source}: ${e.what}`,
    Failed: (e) => `${e.stage} failed: ${e.sentence}`,
    Moved: (e) => `governor: ${e.reason || ""}`,
  };

  function log(event) {
    const line = words[event.event];
    if (!line) return;
    const item = document.createElement("li");
    item.textContent = `${event.time.toFixed(2)}  ${line(event)}`;
    $("log").prepend(item);
    while ($("log").children.length > 200) $("log").lastChild.remove();
  }

  function turnOf(number) {
    if (!turns.has(number)) turns.set(number, { number });
    if (turns.size > 200) turns.delete(turns.keys().next().value);
    return turns.get(number);
  }

  function take(event) {
    if (event.event === "StateChanged") {
      $("state").dataset.state = event.after;
      $("state-word").textContent = event.after;
      $("state-reason").textContent = event.reason;
    }
    if (event.turn !== undefined) {
      lastTurn = turnOf(event.turn);
      if (event.event === "Recognised") lastTurn.text = event.text;
      if (event.event === "Understood") lastTurn.heads = event.heads;
      if (event.event === "Answered") Object.assign(lastTurn, { answer: event.text, skill: event.skill, milliseconds: event.milliseconds });
    }
    if (event.event === "SpeechStarted" && event.latency !== null && lastTurn) lastTurn.latency = event.latency;
    log(event);
    if (!paused && (event.turn !== undefined || event.event === "SpeechStarted")) { drawTurns(); drawLatency(); }
  }

  const source = new EventSource("/events");
  source.addEventListener("open", () => {
    // A new connection tells everything again.
    turns.clear();
    $("log").replaceChildren();
    $("link").hidden = true;
  });
  source.addEventListener("error", () => {
    // Refused for good: a new token, or too many pages. Otherwise the browser tries again.
    $("link").textContent = source.readyState === EventSource.CLOSED
      ? "The assistant lets this page in no more: it was started anew, or too many pages are open. Open the address that it printed."
      : "The assistant does not answer. Trying again.";
    $("link").hidden = false;
  });
  source.addEventListener("event", (message) => take(JSON.parse(message.data)));
  source.addEventListener("sound", (message) => {
    if (paused) return;
    const sound = JSON.parse(message.data);
    $("level").value = sound.decibels;
    $("decibels").textContent = `${sound.decibels.toFixed(0)} dB`;
    drawSound(sound.columns);
  });

  async function look() {
    if (!paused && !document.hidden) {
      const answer = await fetch("/frame.jpg").catch(() => null);
      const seen = answer !== null && answer.status === 200;
      if (seen) {
        const address = URL.createObjectURL(await answer.blob());
        $("frame").onload = () => URL.revokeObjectURL(address);
        $("frame").src = address;
      }
      $("frame").hidden = !seen;
      $("no-frame").hidden = seen;
    }
    setTimeout(look, 500);
  }
  look();
})();
