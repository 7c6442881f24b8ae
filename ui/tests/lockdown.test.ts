import { describe, expect, it } from 'vitest'
import { isForbiddenKey } from '../src/lockdown.ts'

const key = (name: string, over: KeyboardEventInit = {}) =>
  new KeyboardEvent('keydown', { key: name, ...over })

describe('shortcuts', () => {
  it.each([
    ['F5', {}],
    ['F12', {}],
    ['r', { ctrlKey: true }],
    ['R', { ctrlKey: true, shiftKey: true }],
    ['I', { ctrlKey: true, shiftKey: true }],
    ['p', { ctrlKey: true }],
    ['f', { ctrlKey: true }],
    ['+', { ctrlKey: true }],
    ['0', { ctrlKey: true }],
    ['n', { ctrlKey: true }],
    ['ArrowLeft', { altKey: true }],
    ['Backspace', {}],
    ['ContextMenu', {}],
  ])('%s %o is off', (name, over) => {
    expect(isForbiddenKey(key(name, over))).toBe(true)
  })

  it.each([
    ['f', {}],
    ['1', {}],
    ['ArrowLeft', {}],
    ['Enter', {}],
    ['Tab', {}],
    ['v', { ctrlKey: true }],
  ])('%s %o still works', (name, over) => {
    expect(isForbiddenKey(key(name, over))).toBe(false)
  })

  it('leaves Backspace to a field', () => {
    const field = document.body.appendChild(document.createElement('input'))
    let forbidden = true
    field.addEventListener('keydown', (event) => (forbidden = isForbiddenKey(event)))
    field.dispatchEvent(key('Backspace', { bubbles: true }))
    expect(forbidden).toBe(false)
  })
})
