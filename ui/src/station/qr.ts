/**
 * A QR code (ISO/IEC 18004, byte mode, error correction M, versions 1 to 20) as one path of unit squares; `null` where
 * the text is too long. Drawn here because nothing from outside may be loaded into the page.
 */
export function qrPath(text: string): { size: number; path: string } | null {
  const bytes = new TextEncoder().encode(text)
  const version =
    checkPerBlock.findIndex((_, at) => bytes.length + (at < 9 ? 2 : 3) <= dataLength(at + 1)) + 1
  if (bytes.length === 0 || version === 0) return null
  const grid = new Grid(version)
  grid.fill(interleaved(padded(bytes, version), version))
  return { size: grid.size, path: grid.path() }
}

/** Check bytes per block and number of blocks, for versions 1 to 20 at level M (table 9 of the standard). */
const checkPerBlock = [
  10, 16, 26, 18, 24, 16, 18, 22, 22, 26, 30, 22, 22, 24, 24, 28, 28, 26, 26, 26,
] as const
const blockCount = [1, 1, 1, 2, 2, 4, 4, 4, 5, 5, 5, 8, 9, 9, 10, 10, 11, 13, 14, 16] as const

const at = <T>(list: ArrayLike<T>, index: number): T => list[index] as T
const alignments = (version: number) => (version === 1 ? 0 : Math.floor(version / 7) + 2)

/** Bytes that a version holds, data and check together. */
function wholeLength(version: number): number {
  const size = version * 4 + 17
  const n = alignments(version)
  const aligned = n === 0 ? 0 : 25 * (n * n - 3) - 10 * (n - 2)
  const versionInfo = version >= 7 ? 36 : 0
  const finders = 3 * 64
  const timing = 2 * (size - 16)
  return Math.floor((size * size - finders - timing - 31 - aligned - versionInfo) / 8)
}

function dataLength(version: number): number {
  return wholeLength(version) - at(checkPerBlock, version - 1) * at(blockCount, version - 1)
}

function padded(bytes: Uint8Array, version: number): Uint8Array {
  const bits: number[] = []
  const put = (value: number, width: number) => {
    for (let bit = width - 1; bit >= 0; bit -= 1) bits.push((value >> bit) & 1)
  }
  put(4, 4)
  put(bytes.length, version < 10 ? 8 : 16)
  for (const byte of bytes) put(byte, 8)
  const out = new Uint8Array(dataLength(version))
  put(0, Math.min(4, out.length * 8 - bits.length))
  while (bits.length % 8 !== 0) bits.push(0)
  for (let i = 0; i < out.length; i += 1) {
    const have = bits.slice(i * 8, i * 8 + 8)
    const filler = (i - bits.length / 8) % 2 === 0 ? 0xec : 0x11
    out[i] = have.length === 8 ? have.reduce((byte, bit) => (byte << 1) | bit, 0) : filler
  }
  return out
}

/** Product in the field of 256 elements over x⁸ + x⁴ + x³ + x² + 1. */
function times(a: number, b: number): number {
  let product = 0
  for (let bit = 7; bit >= 0; bit -= 1) {
    product = (product << 1) ^ ((product >> 7) * 0x11d)
    if ((b >> bit) & 1) product ^= a
  }
  return product
}

/** Reed–Solomon check bytes: the remainder by the polynomial whose roots are the first powers of two. */
function checkBytes(data: Uint8Array, length: number): Uint8Array {
  const divisor = new Uint8Array(length)
  divisor[length - 1] = 1
  for (let i = 0, root = 1; i < length; i += 1, root = times(root, 2)) {
    for (let j = 0; j < length; j += 1) divisor[j] = times(at(divisor, j), root) ^ (divisor[j + 1] ?? 0)
  }
  let rest = new Uint8Array(length)
  for (const byte of data) {
    const factor = byte ^ at(rest, 0)
    const shifted = new Uint8Array(length)
    shifted.set(rest.subarray(1))
    rest = shifted.map((value, i) => value ^ times(at(divisor, i), factor))
  }
  return rest
}

function interleaved(data: Uint8Array, version: number): Uint8Array {
  const blocks = at(blockCount, version - 1)
  const check = at(checkPerBlock, version - 1)
  const short = Math.floor(data.length / blocks)
  const longOnes = data.length % blocks
  const parts = Array.from({ length: blocks }, (_, i) => {
    const from = i * short + Math.max(0, i - (blocks - longOnes))
    return data.subarray(from, from + short + (i >= blocks - longOnes ? 1 : 0))
  })
  const checks = parts.map((part) => checkBytes(part, check))
  const out: number[] = []
  for (let i = 0; i <= short; i += 1) for (const part of parts) if (i < part.length) out.push(at(part, i))
  for (let i = 0; i < check; i += 1) for (const part of checks) out.push(at(part, i))
  return Uint8Array.from(out)
}

class Grid {
  readonly size: number
  private readonly dark: Uint8Array
  private readonly fixed: Uint8Array

  constructor(private readonly version: number) {
    this.size = version * 4 + 17
    this.dark = new Uint8Array(this.size ** 2)
    this.fixed = new Uint8Array(this.size ** 2)
    this.timing()
    for (const [x, y] of [
      [3, 3],
      [this.size - 4, 3],
      [3, this.size - 4],
    ] as const)
      this.square(x, y, 4, (far) => far !== 2 && far !== 4)
    this.alignment()
    this.format()
    this.versionInfo()
  }

  private set(x: number, y: number, dark: boolean): void {
    if (x < 0 || y < 0 || x >= this.size || y >= this.size) return
    this.dark[y * this.size + x] = Number(dark)
    this.fixed[y * this.size + x] = 1
  }

  private square(x: number, y: number, radius: number, dark: (far: number) => boolean): void {
    for (let dy = -radius; dy <= radius; dy += 1)
      for (let dx = -radius; dx <= radius; dx += 1)
        this.set(x + dx, y + dy, dark(Math.max(Math.abs(dx), Math.abs(dy))))
  }

  private timing(): void {
    for (let i = 0; i < this.size; i += 1) {
      this.set(6, i, i % 2 === 0)
      this.set(i, 6, i % 2 === 0)
    }
  }

  private alignment(): void {
    const n = alignments(this.version)
    if (n === 0) return
    const step = Math.ceil((this.size - 13) / (n * 2 - 2)) * 2
    const places = Array.from({ length: n }, (_, i) => (i === 0 ? 6 : this.size - 7 - (n - 1 - i) * step))
    places.forEach((x, i) =>
      places.forEach((y, j) => {
        const finder = (i === 0 && j === 0) || (i === 0 && j === n - 1) || (i === n - 1 && j === 0)
        if (!finder) this.square(x, y, 2, (far) => far !== 1)
      }),
    )
  }

  /** Level M (00) and mask 0, with their check bits; also the dark module. */
  private format(): void {
    const value = 0b00_000
    let rest = value
    for (let i = 0; i < 10; i += 1) rest = (rest << 1) ^ ((rest >> 9) * 0x537)
    const bits = ((value << 10) | rest) ^ 0x5412
    const bit = (i: number) => ((bits >> i) & 1) === 1
    for (let i = 0; i < 15; i += 1) {
      if (i < 6) this.set(8, i, bit(i))
      else if (i < 8) this.set(8, i + 1, bit(i))
      else if (i === 8) this.set(7, 8, bit(i))
      else this.set(14 - i, 8, bit(i))
      if (i < 8) this.set(this.size - 1 - i, 8, bit(i))
      else this.set(8, this.size - 15 + i, bit(i))
    }
    this.set(8, this.size - 8, true)
  }

  private versionInfo(): void {
    if (this.version < 7) return
    let rest = this.version
    for (let i = 0; i < 12; i += 1) rest = (rest << 1) ^ ((rest >> 11) * 0x1f25)
    const bits = (this.version << 12) | rest
    for (let i = 0; i < 18; i += 1) {
      const dark = ((bits >> i) & 1) === 1
      const near = Math.floor(i / 3)
      const far = this.size - 11 + (i % 3)
      this.set(near, far, dark)
      this.set(far, near, dark)
    }
  }

  /** Upwards and downwards in pairs of columns from the right, past the column of the timing pattern; mask 0. */
  fill(bytes: Uint8Array): void {
    let at = 0
    for (let right = this.size - 1; right >= 1; right -= 2) {
      if (right === 6) right = 5
      for (let step = 0; step < this.size; step += 1) {
        const up = ((right + 1) & 2) === 0
        const y = up ? this.size - 1 - step : step
        for (const x of [right, right - 1]) {
          const place = y * this.size + x
          if (this.fixed[place]) continue
          const bit = ((bytes[at >> 3] ?? 0) >> (7 - (at & 7))) & 1
          this.dark[place] = bit ^ Number((x + y) % 2 === 0)
          at += 1
        }
      }
    }
  }

  path(): string {
    let path = ''
    this.dark.forEach((dark, place) => {
      if (dark) path += `M${place % this.size} ${Math.floor(place / this.size)}h1v1h-1z`
    })
    return path
  }
}
