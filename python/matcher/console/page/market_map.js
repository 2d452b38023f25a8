"use strict";
// Plays a market: stores, doors of open orders and couriers with the last and next minutes of their way.
(() => {
  const market = JSON.parse(document.getElementById("market").textContent);
  const canvas = document.getElementById("map");
  const context = canvas.getContext("2d");
  const clock = document.getElementById("clock");
  const play = document.getElementById("play");
  const style = { ink: "#1c2733", blue: "#2f6fdb", teal: "#1f9d8a", amber: "#e39b1e", red: "#d1495b", idle: "#a9b5c1" };
  const SPAN = 480;

  const orders = market.orders.map(([store, x, y, placed, ready, promised, assigned, pickup, dropoff]) =>
    ({ store, x, y, placed, ready, promised, assigned, pickup, dropoff }));
  const couriers = market.couriers.map(([name, mode, on, off, flat, busy]) => {
    const points = [];
    for (let i = 0; i < flat.length; i += 3) points.push([flat[i], flat[i + 1], flat[i + 2]]);
    return { name, mode, on, off, points, busy };
  });
  const end = Math.max(1, ...orders.map((o) => o.dropoff ?? o.placed), ...couriers.flatMap((c) => c.points.map((p) => p[0])));
  const [hours, minutes] = market.starts.split(":").map(Number);
  clock.max = end;

  // The view holds all stores and doors; a courier who starts outside is drawn when it comes in.
  const xs = [...market.stores.map((s) => s[1]), ...orders.map((o) => o.x)];
  const ys = [...market.stores.map((s) => s[2]), ...orders.map((o) => o.y)];
  const box = { west: Math.min(...xs), east: Math.max(...xs), south: Math.min(...ys), north: Math.max(...ys) };
  let scale = 1, left = 0, top = 0, width = 0, height = 0, hover = null;

  const place = (x, y) => [left + (x - box.west) * scale, top + (box.north - y) * scale];

  function fit() {
    const ratio = window.devicePixelRatio || 1;
    width = canvas.clientWidth;
    height = canvas.clientHeight;
    canvas.width = width * ratio;
    canvas.height = height * ratio;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    const margin = 26;
    scale = Math.min((width - 2 * margin) / Math.max(1, box.east - box.west), (height - 2 * margin) / Math.max(1, box.north - box.south));
    left = (width - (box.east - box.west) * scale) / 2;
    top = (height - (box.north - box.south) * scale) / 2;
  }

  function at(points, t) {
    let low = 0, high = points.length - 1;
    if (t <= points[0][0]) return points[0].slice(1);
    if (t >= points[high][0]) return points[high].slice(1);
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (points[middle][0] <= t) low = middle; else high = middle;
    }
    const [t0, x0, y0] = points[low], [t1, x1, y1] = points[high];
    const share = t1 > t0 ? (t - t0) / (t1 - t0) : 1;
    return [x0 + (x1 - x0) * share, y0 + (y1 - y0) * share];
  }

  function busyAt(courier, t) {
    for (let i = 0; i < courier.busy.length; i += 2) if (courier.busy[i] <= t && t < courier.busy[i + 1]) return true;
    return false;
  }

  function way(courier, from, to) {
    context.beginPath();
    context.moveTo(...place(...at(courier.points, from)));
    for (const [t, x, y] of courier.points) if (t > from && t < to) context.lineTo(...place(x, y));
    context.lineTo(...place(...at(courier.points, to)));
    context.stroke();
  }

  function dot(x, y, radius, fill, ring) {
    context.beginPath();
    context.arc(...place(x, y), radius, 0, 2 * Math.PI);
    if (fill) { context.fillStyle = fill; context.fill(); }
    if (ring) { context.strokeStyle = ring; context.stroke(); }
  }

  const state = (order, t) =>
    t < order.placed || (order.dropoff !== null && t >= order.dropoff) ? null
      : order.pickup !== null && t >= order.pickup ? "aboard"
        : order.assigned !== null && t >= order.assigned ? "planned" : "waiting";

  function draw() {
    const t = Number(clock.value);
    const counts = { "orders that wait": 0, "courier on the way": 0, "on board": 0, "beyond promise": 0, "busy couriers": 0, "couriers on shift": 0, "delivered so far": 0 };
    context.clearRect(0, 0, width, height);
    context.lineJoin = context.lineCap = "round";

    const seen = couriers.filter((c) => c.on <= t && (t < c.off || busyAt(c, t)) && c.points.length);
    counts["couriers on shift"] = couriers.filter((c) => c.on <= t && t < c.off).length;
    for (const courier of seen) {
      if (!busyAt(courier, t)) continue;
      counts["busy couriers"]++;
      context.lineWidth = 1.6;
      context.strokeStyle = "#1f9d8a30";
      way(courier, Math.max(courier.on, t - SPAN), t);
      context.strokeStyle = "#1f9d8aa0";
      context.setLineDash([1, 4]);
      way(courier, t, t + SPAN);
      context.setLineDash([]);
    }
    context.fillStyle = style.ink;
    for (const [, x, y] of market.stores) {
      const [px, py] = place(x, y);
      context.fillRect(px - 3, py - 3, 6, 6);
    }
    context.lineWidth = 1.8;
    for (const order of orders) {
      if (order.dropoff !== null && t >= order.dropoff) counts["delivered so far"]++;
      const now = state(order, t);
      if (!now) continue;
      const late = order.promised !== null && t > order.promised;
      if (late) counts["beyond promise"]++;
      counts[{ waiting: "orders that wait", planned: "courier on the way", aboard: "on board" }[now]]++;
      const colour = late ? style.red : now === "waiting" ? style.amber : style.blue;
      if (now === "planned") dot(order.x, order.y, 3.2, "#ffffff", colour);
      else dot(order.x, order.y, now === "waiting" ? 4.4 : 3.6, colour);
    }
    for (const courier of seen) {
      const [x, y] = at(courier.points, t);
      context.lineWidth = 2;
      if (busyAt(courier, t)) dot(x, y, 4.6, style.teal, "#ffffff");
      else dot(x, y, 3, style.idle);
    }
    if (hover && seen.includes(hover)) {
      context.strokeStyle = style.ink;
      context.lineWidth = 1.4;
      way(hover, hover.on, end);
      const [x, y] = at(hover.points, t);
      dot(x, y, 6.5, null, style.ink);
      label(`${hover.name} · ${hover.mode}`, ...place(x, y));
    }
    ruler();
    const shown = time(t);
    document.getElementById("time").textContent = shown;
    document.getElementById("when").textContent = shown;
    document.getElementById("counts").innerHTML = Object.entries(counts).map(([k, v]) => `<dt>${k}</dt><dd>${v}</dd>`).join("");
  }

  function label(text, x, y) {
    context.font = "12px Inter, 'Segoe UI', Arial, sans-serif";
    const size = context.measureText(text).width;
    const from = Math.min(x + 10, width - size - 14);
    context.fillStyle = "#ffffffe8";
    context.fillRect(from - 4, y - 25, size + 8, 19);
    context.fillStyle = style.ink;
    context.fillText(text, from, y - 11);
  }

  function ruler() {
    const metres = [100, 200, 500, 1000, 2000, 5000, 10000, 20000].find((m) => m * scale > 70) ?? 50000;
    const y = height - 16;
    context.strokeStyle = context.fillStyle = "#5f6f80";
    context.lineWidth = 1.5;
    context.beginPath();
    context.moveTo(16, y - 4); context.lineTo(16, y); context.lineTo(16 + metres * scale, y); context.lineTo(16 + metres * scale, y - 4);
    context.stroke();
    context.font = "11px Inter, 'Segoe UI', Arial, sans-serif";
    context.fillText(metres >= 1000 ? `${metres / 1000} km` : `${metres} m`, 20, y - 5);
  }

  function time(t) {
    const total = Math.floor(hours * 60 + minutes + t / 60);
    return `${String(Math.floor(total / 60) % 24).padStart(2, "0")}:${String(total % 60).padStart(2, "0")}`;
  }

  // Begin where the market is fullest.
  let best = 0, most = -1;
  for (let t = 0; t <= end; t += 60) {
    const open = orders.reduce((sum, order) => sum + (state(order, t) ? 1 : 0), 0);
    if (open > most) { most = open; best = t; }
  }
  clock.value = best;

  let running = false, last = 0;
  function step(now) {
    if (!running) return;
    const speed = Number(document.getElementById("speed").value);
    clock.value = Number(clock.value) + ((now - last) / 1000) * speed;
    last = now;
    if (Number(clock.value) >= end) toggle();
    draw();
    requestAnimationFrame(step);
  }
  function toggle() {
    running = !running;
    play.textContent = running ? "❚❚" : "▶";
    if (running) {
      if (Number(clock.value) >= end) clock.value = 0;
      last = performance.now();
      requestAnimationFrame(step);
    }
  }
  play.addEventListener("click", toggle);
  clock.step = "any";
  clock.addEventListener("input", draw);
  canvas.addEventListener("mousemove", (event) => {
    const t = Number(clock.value);
    let near = null, distance = 12;
    for (const courier of couriers) {
      if (courier.on > t || !courier.points.length) continue;
      const [x, y] = place(...at(courier.points, t));
      const d = Math.hypot(x - event.offsetX, y - event.offsetY);
      if (d < distance) { distance = d; near = courier; }
    }
    if (near !== hover) { hover = near; draw(); }
  });
  window.addEventListener("resize", () => { fit(); draw(); });
  fit();
  draw();
})();
