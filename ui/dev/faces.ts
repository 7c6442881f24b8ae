/** Stand-ins for pictures: drawn, and of nobody. */
function svg(body: string, box: string): string {
  return `data:image/svg+xml,${encodeURIComponent(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="${box}">${body}</svg>`)}`
}

const bust =
  '<path d="M1 150C1 114 16 100 40 89L50 100 60 89C84 100 99 114 99 150Z" fill="#48617F"/><path d="M42 72V87Q50 97 58 87V72Z" fill="#C99F7B"/><ellipse cx="50" cy="54" rx="19" ry="28" fill="#E3BE9C"/><path d="M30 53C26 32 34 19 50 19s24 13 20 34C66 40 54 39 38 37 33 40 31 45 30 53Z" fill="#2A2A2E"/><circle cx="42" cy="54" r="1.7"/><circle cx="58" cy="54" r="1.7"/>'

export const registered = svg(`<rect width="100" height="140" fill="#E4EAF1"/>${bust}`, '0 0 100 140')
export const taken = svg(
  `<rect width="160" height="120" fill="#CDD5DE"/><g transform="translate(30 -2)">${bust}</g>`,
  '0 0 160 120',
)
export const pattern = svg(
  '<rect width="160" height="120" fill="#888"/><path d="M0 0h40v120H0z" fill="#eee"/><path d="M80 0h40v120H80z" fill="#444"/><text x="80" y="66" font-size="20" text-anchor="middle" fill="#fff">PATTERN</text>',
  '0 0 160 120',
)
export const circuit = svg(
  '<rect width="440" height="244" fill="#fff"/><g fill="none" stroke="#17202E" stroke-width="2.4"><path d="M26 50H428M26 88H428"/><rect x="72" y="24" width="96" height="90" fill="#fff"/><path d="M210 50V220H250V88M294 50V220H334V88M378 50V220H418V88"/><circle cx="210" cy="186" r="17" fill="#fff"/><circle cx="294" cy="186" r="17" fill="#fff"/></g><text x="104" y="76" font-size="24">QF</text>',
  '0 0 440 244',
)
export const meter = (n: number) =>
  svg(
    `<rect width="200" height="110" fill="#fff"/><circle cx="100" cy="90" r="70" fill="none" stroke="#17202E" stroke-width="3"/><path d="M100 90L${60 + n * 25} 40" stroke="#9C0D18" stroke-width="3"/>`,
    '0 0 200 110',
  )
