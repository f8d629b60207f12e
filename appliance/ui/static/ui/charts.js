/* Draws the charts of a page: every <canvas data-chart="ID"> from the JSON with that id, which is
   Chart.document() of quarantine/views/charts.py.  The table beside each says the same without script. */
(() => {
  "use strict";

  /** Return the colour that a token of the theme has now: a canvas does not know light-dark(). */
  const colour = (token) => {
    const probe = document.createElement("span");
    probe.style.color = `var(${token})`;
    document.body.append(probe);
    const found = getComputedStyle(probe).color;
    probe.remove();
    return found;
  };

  /** The levels: dashed lines across the bars, their names at the top, one below the other. */
  const levels = (lines) => ({
    id: "levels",
    afterDatasetsDraw: ({ ctx, chartArea, scales }) => {
      const bar = scales.x.getPixelForValue(1) - scales.x.getPixelForValue(0);
      ctx.save();
      ctx.font = "12px system-ui, sans-serif";
      lines.forEach((line, row) => {
        const x = scales.x.getPixelForValue(0) + (line.place - 0.5) * bar;
        const left = x + 6 + ctx.measureText(line.label).width > chartArea.right;
        const y = chartArea.top + 10 + row * 16;
        ctx.strokeStyle = ctx.fillStyle = colour("--ink");
        ctx.setLineDash([4, 3]);
        ctx.beginPath();
        ctx.moveTo(x, chartArea.top);
        ctx.lineTo(x, chartArea.bottom);
        ctx.stroke();
        ctx.textAlign = left ? "right" : "left";
        ctx.fillText(line.label, left ? x - 6 : x + 6, y);
      });
      ctx.restore();
    },
  });

  const draw = (canvas) => {
    const told = JSON.parse(document.getElementById(canvas.dataset.chart).textContent);
    const quiet = colour("--quiet");
    canvas.parentElement.hidden = false;
    new Chart(canvas, {
      type: "bar",
      data: {
        labels: told.labels,
        datasets: told.series.map((one) => ({
          label: one.label,
          data: one.values,
          backgroundColor: colour(`--chart-${one.tone}`),
          categoryPercentage: 1,
          barPercentage: 0.86,
          maxBarThickness: 48,
        })),
      },
      plugins: [levels(told.lines)],
      options: {
        animation: false,
        maintainAspectRatio: false,
        interaction: { mode: "index", intersect: false },
        plugins: { legend: { display: false }, tooltip: { filter: (item) => item.raw > 0 } },
        scales: {
          x: {
            stacked: true,
            grid: { display: false },
            border: { color: colour("--line") },
            ticks: { color: quiet, maxRotation: 0, autoSkipPadding: 16 },
          },
          y: {
            stacked: true,
            border: { display: false },
            grid: { color: colour("--line") },
            ticks: { color: quiet, precision: 0, maxTicksLimit: 5 },
          },
        },
      },
    });
  };

  const canvases = (part) => [...part.querySelectorAll("canvas[data-chart]")];
  const forget = (part) => canvases(part).forEach((canvas) => Chart.getChart(canvas)?.destroy());
  const drawAll = () => canvases(document).filter((canvas) => !Chart.getChart(canvas)).forEach(draw);

  document.addEventListener("htmx:beforeSwap", (event) => forget(event.detail.target));
  document.addEventListener("htmx:afterSwap", drawAll);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    forget(document);
    drawAll();
  });
  drawAll();
})();
