// Drawn on a grid of 24, stroke 2. `solid` shapes are filled, `hole` is cut out of a solid one.
type Shape = readonly [tag: 'path' | 'circle' | 'rect', attributes: Readonly<Record<string, string>>]

export const icons = {
  back: [['path', { d: 'M9 6h11v12H9L3.5 12zM12 9.5l5 5M17 9.5l-5 5' }]],
  bell: [['path', { d: 'M6 16.5V10.5a6 6 0 0 1 12 0v6l2 2.5H4zM10 21.5h4' }]],
  camera: [
    ['path', { d: 'M3.5 7.5h4L9 5h6l1.5 2.5h4v11.5h-17z' }],
    ['circle', { cx: '12', cy: '13', r: '3.5' }],
  ],
  'camera-off': [
    ['path', { d: 'M3.5 7.5h4L9 5h6l1.5 2.5h4v11.5h-17z' }],
    ['path', { d: 'M3 3l18 18' }],
  ],
  check: [['path', { d: 'M5 12.5l4.5 4.5L19 7.5' }]],
  clock: [
    ['circle', { cx: '12', cy: '12', r: '9' }],
    ['path', { d: 'M12 7v5.3l3.5 2' }],
  ],
  'clock-plus': [['path', { d: 'M20.5 11A8.5 8.5 0 1 0 12 20.5M12 7.5V12l2.5 1.5M18.5 15v7M15 18.5h7' }]],
  close: [['path', { d: 'M6 6l12 12M18 6L6 18' }]],
  done: [
    ['circle', { cx: '12', cy: '12', r: '10', fill: 'currentColor', stroke: 'none' }],
    ['path', { d: 'M7 12.4l3.4 3.4L17 9', class: 'hole' }],
  ],
  dot: [['circle', { cx: '12', cy: '12', r: '6', fill: 'currentColor', stroke: 'none' }]],
  down: [['path', { d: 'M5 9l7 7 7-7' }]],
  export: [['path', { d: 'M12 14.5V3.5M7.5 8L12 3.5 16.5 8M4.5 14v6h15v-6' }]],
  fail: [
    ['circle', { cx: '12', cy: '12', r: '10', fill: 'currentColor', stroke: 'none' }],
    ['path', { d: 'M8.5 8.5l7 7M15.5 8.5l-7 7', class: 'hole' }],
  ],
  flag: [['path', { d: 'M6 21V4M6 4h12l-3 4.5 3 4.5H6', fill: 'none' }]],
  globe: [
    ['circle', { cx: '12', cy: '12', r: '9' }],
    ['path', { d: 'M3 12h18M12 3c3 3 3 15 0 18M12 3c-3 3-3 15 0 18' }],
  ],
  hand: [
    [
      'path',
      {
        d: 'M8 12.5V5.8a1.5 1.5 0 0 1 3 0V11m0-1V4.3a1.5 1.5 0 0 1 3 0V11m0-4.5a1.5 1.5 0 0 1 3 0V14c0 4.5-2.2 7-5.7 7-2.8 0-4.2-1.3-5.5-3.7L4 13.6c-.6-1.2.8-2.5 2-1.5l2 2',
      },
    ],
  ],
  import: [['path', { d: 'M12 3.5v11M7.5 10l4.5 4.5 4.5-4.5M4.5 14v6h15v-6' }]],
  key: [
    ['circle', { cx: '8', cy: '15', r: '4.2' }],
    ['path', { d: 'M11 12l8.5-8.5M15.5 7.5l3 3' }],
  ],
  left: [['path', { d: 'M15 5l-7 7 7 7' }]],
  lock: [
    ['rect', { x: '5', y: '11', width: '14', height: '9.5', rx: '1.5' }],
    ['path', { d: 'M8 11V8a4 4 0 0 1 8 0v3' }],
  ],
  minus: [['path', { d: 'M6 12h12' }]],
  mouse: [
    ['rect', { x: '6.5', y: '3', width: '11', height: '18', rx: '5.5' }],
    ['path', { d: 'M12 3v6M6.5 9.5h11' }],
  ],
  net: [
    [
      'path',
      { d: 'M9 14.5H5.5v5H9zM18.5 14.5H15v5h3.5zM13.8 4.5h-3.5v5h3.5zM12 9.5v2.5M7.3 14.5V12h9.4v2.5' },
    ],
  ],
  'net-off': [
    [
      'path',
      {
        d: 'M9 14.5H5.5v5H9zM18.5 14.5H15v5h3.5zM13.8 4.5h-3.5v5h3.5zM12 9.5v2.5M7.3 14.5V12h9.4v2.5M3 3l18 18',
      },
    ],
  ],
  note: [['path', { d: 'M6 3h9l4 4v14H6zM14.5 3v4.5H19M9.5 12h6M9.5 16h6' }]],
  pause: [['path', { d: 'M8.5 6v12M15.5 6v12', 'stroke-width': '3' }]],
  plus: [['path', { d: 'M12 5v14M5 12h14' }]],
  power: [['path', { d: 'M13 2.5L5 13.5h6.5L11 21.5l8-11h-6.5z' }]],
  print: [['path', { d: 'M7 9V3.5h10V9M7 17H4V9h16v8h-3M7 14h10v6.5H7z' }]],
  redo: [['path', { d: 'M19.5 12a7.5 7.5 0 1 1-2.3-5.4L19.5 9M19.5 4v5h-5' }]],
  right: [['path', { d: 'M9 5l7 7-7 7' }]],
  'ring-dash': [['circle', { cx: '12', cy: '12', r: '8.5', 'stroke-dasharray': '3 3' }]],
  seal: [
    ['rect', { x: '4', y: '4', width: '16', height: '16', rx: '1.5' }],
    ['path', { d: 'M4 9l8 5 8-5' }],
  ],
  search: [
    ['circle', { cx: '10.5', cy: '10.5', r: '6.5' }],
    ['path', { d: 'M15.5 15.5L21 21' }],
  ],
  screen: [
    ['rect', { x: '3', y: '4.5', width: '18', height: '12', rx: '1.5' }],
    ['path', { d: 'M8.5 20.5h7M12 16.5v4' }],
  ],
  stop: [['rect', { x: '5', y: '5', width: '14', height: '14', rx: '1' }]],
  swap: [['path', { d: 'M4 8.5h15M15 4.5l4 4-4 4M20 15.5H5M9 11.5l-4 4 4 4' }]],
  unlock: [
    ['rect', { x: '5', y: '11', width: '14', height: '9.5', rx: '1.5' }],
    ['path', { d: 'M8 11V8a4 4 0 0 1 7.6-1.7' }],
  ],
  user: [
    ['circle', { cx: '12', cy: '8', r: '4' }],
    ['path', { d: 'M4.5 20.5c.6-4.2 3.6-6 7.5-6s6.9 1.8 7.5 6' }],
  ],
  users: [
    ['circle', { cx: '9', cy: '8.5', r: '3.5' }],
    [
      'path',
      {
        d: 'M2.5 19.5c.5-3.7 3-5.2 6.5-5.2s6 1.5 6.5 5.2M15.5 5.2a3.5 3.5 0 0 1 0 6.6M17.8 14.8c2.2.7 3.4 2.3 3.7 4.7',
      },
    ],
  ],
  warn: [
    ['path', { d: 'M12 2.6L22.6 21H1.4z', fill: 'currentColor', stroke: 'none' }],
    ['path', { d: 'M12 9.5v5M12 17.6v.1', class: 'hole' }],
  ],
} as const satisfies Record<string, readonly Shape[]>

export type IconName = keyof typeof icons
