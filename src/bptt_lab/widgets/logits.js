// Softmax minus target. The table is indexed by z_i − z_0 in slider steps, for i = 1, 2, …

function build(frame, facts, arrays) {
  const { labels, reach, step } = facts;
  const C = labels.length;
  const levels = Math.round((2 * reach) / step);
  labels.forEach((label, i) => {
    const text = (n) => `z${sub(i)} = ${short(n * step - reach)}`;
    frame.slider(`z${i}`, `“${label}”`, { max: levels, text });
  });
  frame.choice("target", "target", labels.map((label, i) => [i, label]));

  const look = (state) => {
    const place = Array.from({ length: C - 1 }, (_, i) => state[`z${i + 1}`] - state.z0 + levels);
    const y_hat = [...arrays.y_hat.of(...place)];
    const target = Number(state.target);
    return {
      z: labels.map((_, i) => state[`z${i}`] * step - reach),
      y_hat,
      error: y_hat.map((p, i) => (i === target ? p - 1 : p)),
      loss: arrays.loss.of(...place, target),
      target,
    };
  };

  const panels = [
    ["z", "Logits z", reach, -reach],
    ["y_hat", "Prediction ŷ = softmax(z)", 1, 0],
    ["error", "ŷ − y: ▲ pushes up, ▼ down", 1, -1],
  ].map(([key, title, high, low]) => {
    const { svg } = frame.panel(title, 460, 430, { name: `${title}; the text above says the numbers` });
    const w = 440 / C;
    const [top, bottom] = [40, 350];
    const Y = (v) => bottom - ((v - low) / (high - low)) * (bottom - top);
    shape(svg, "line", { x1: 10, x2: 450, y1: Y(0), y2: Y(0), class: "axis" });
    const cover = key === "error" ? covered(svg, 230, (top + bottom) / 2 - 40) : svg;
    const bars = labels.map((label, i) => {
      const x = 10 + (i + 0.5) * w;
      const width = Math.min(w * 0.5, 90);
      const rect = shape(cover, "rect", { x: x - width / 2, width, class: "bar" });
      const value = shape(cover, "text", { x, class: "middle big" }, "");
      const name = shape(svg, "text", { x, y: 398, class: "middle sub" }, label);
      return { rect, value, name, x };
    });
    return { key, Y, bars };
  });

  frame.draw((state) => {
    const found = look(state);
    for (const { key, Y, bars } of panels) {
      bars.forEach(({ rect, value, name }, i) => {
        const v = found[key][i];
        const [up, down] = [Math.min(Y(v), Y(0)), Math.max(Y(v), Y(0))];
        put(rect, "y", up);
        put(rect, "height", Math.max(down - up, 0.5));
        const kind = key === "error" ? (v < 0 ? "cell negative" : "cell positive") : "bar";
        put(rect, "class", kind);
        const arrow = key !== "error" ? "" : v < 0 ? "▲ " : v > 0 ? "▼ " : "";
        put(value, "y", v < 0 ? down + 20 : up - 18);
        say(value, `${arrow}${short(v)}`);
        say(name, cropped(i === found.target ? `★ ${labels[i]}` : labels[i], 440 / C));
      });
    }
    const list = (values) => labels.map((l, i) => `${l} ${short(values[i])}`).join(", ");
    const sum = found.error.reduce((a, b) => a + b, 0);
    const near = Math.abs(sum) < 5e-6 ? 0 : sum; // the table is in single precision
    const error = state.predicted ? ` ŷ − y: ${list(found.error)}; sum ${short(near)}.` : "";
    say(
      frame.live,
      `Target ★ ${labels[found.target]}. Loss ${short(found.loss)} nats. ŷ: ${list(found.y_hat)}.${error}`,
    );
  });
}
