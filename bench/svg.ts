/** Builds a chart as SVG text. Colours are classes, for light and for dark; every chart has its own ground. */
export class Svg {
  readonly #parts: string[] = [];
  readonly width: number;

  constructor(width: number) {
    this.width = width;
  }

  text(x: number, y: number, text: string, kind = "", anchor: "start" | "middle" | "end" = "start"): void {
    this.#parts.push(`<text x="${round(x)}" y="${round(y)}" class="${kind}" text-anchor="${anchor}">${escapeXml(text)}</text>`);
  }

  /** Along the vertical axis, read from below. */
  verticalText(x: number, y: number, text: string, kind = ""): void {
    const turned = `rotate(-90 ${round(x)} ${round(y)})`;
    this.#parts.push(
      `<text x="${round(x)}" y="${round(y)}" class="${kind}" text-anchor="middle" transform="${turned}">${escapeXml(text)}</text>`,
    );
  }

  line(x1: number, y1: number, x2: number, y2: number, kind: string): void {
    this.#parts.push(`<line x1="${round(x1)}" y1="${round(y1)}" x2="${round(x2)}" y2="${round(y2)}" class="${kind}"/>`);
  }

  polyline(points: readonly (readonly [x: number, y: number])[], kind: string): void {
    this.#parts.push(`<polyline points="${points.map((at) => at.map(round).join(",")).join(" ")}" class="${kind}"/>`);
  }

  rect(x: number, y: number, width: number, height: number, kind: string): void {
    this.#parts.push(
      `<rect x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${round(height)}" rx="2" class="${kind}"/>`,
    );
  }

  /** One shape for each series, so that they can be told apart without colour. */
  mark(x: number, y: number, series: number): void {
    const kind = `mark s${series}`;
    if (series === 0) this.#parts.push(`<circle cx="${round(x)}" cy="${round(y)}" r="4.5" class="${kind}"/>`);
    else if (series === 1) this.rect(x - 4, y - 4, 8, 8, kind);
    else this.#parts.push(`<path d="M${round(x)} ${round(y - 5)}l5 9h-10z" class="${kind}"/>`);
  }

  /** The chart, as high as given. `title` is read out where the chart cannot be seen. */
  finish(height: number, title: string): string {
    const ground = `<rect x="0.5" y="0.5" width="${this.width - 1}" height="${height - 1}" rx="6" class="ground"/>`;
    const size = `width="${this.width}" height="${height}" viewBox="0 0 ${this.width} ${height}"`;
    const body = [`<title>${escapeXml(title)}</title>`, `<style>${STYLE}</style>`, ground, ...this.#parts].join("\n");
    return `<svg xmlns="http://www.w3.org/2000/svg" ${size} role="img">\n${body}\n</svg>\n`;
  }
}

/** Room that a text takes in the chart, generously. */
export function textWidth(text: string): number {
  return text.length * 6.7;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function escapeXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}

interface Colours {
  readonly ground: string;
  readonly text: string;
  readonly soft: string;
  readonly grid: string;
  readonly series: readonly [string, string, string];
  readonly missed: string;
}

function colours({ ground, text, soft, grid, series, missed }: Colours): string {
  const each = series.map((colour, i) => `.mark.s${i},.bar.s${i}{fill:${colour}}.curve.s${i}{stroke:${colour}}`);
  return (
    `.ground{fill:${ground};stroke:${grid}}text{fill:${text}}.soft{fill:${soft}}.grid{stroke:${grid}}.axis{stroke:${soft}}` +
    `.goal{stroke:${text}}.mark{stroke:${ground}}.missed{fill:${missed}}${each.join("")}`
  );
}

const LIGHT: Colours = {
  ground: "#ffffff",
  text: "#1f2328",
  soft: "#59636e",
  grid: "#d8dee4",
  series: ["#0969da", "#bc4c00", "#1a7f37"],
  missed: "#cf222e",
};
const DARK: Colours = {
  ground: "#0d1117",
  text: "#f0f6fc",
  soft: "#9198a1",
  grid: "#30363d",
  series: ["#58a6ff", "#f0883e", "#56d364"],
  missed: "#ff7b72",
};

const STYLE: string = [
  "text{font:12px -apple-system,'Segoe UI','Noto Sans',Helvetica,Arial,sans-serif}",
  ".title{font-size:15px;font-weight:600}.head{font-weight:600}.small{font-size:11px}",
  ".grid,.axis{stroke-width:1}.goal{stroke-width:2}.curve{fill:none;stroke-width:2}.s1.curve{stroke-dasharray:6 3}",
  ".s2.curve{stroke-dasharray:2 3}.mark{stroke-width:1}",
  colours(LIGHT),
  `@media (prefers-color-scheme:dark){${colours(DARK)}}`,
].join("");
