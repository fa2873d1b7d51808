import { expect, it } from 'vitest'
import { sharedWindows } from './off-peak'

const night = { from: '22:00', until: '06:00', timeZone: 'UTC', bulk: true }

it('to wait is offered only where every chosen server has off-peak hours', () => {
  expect(sharedWindows([{ offPeak: night }, { offPeak: night }])).toEqual([night, night])
  expect(sharedWindows([{ offPeak: night }, { offPeak: null }])).toEqual([])
  expect(sharedWindows([{ offPeak: night }, undefined])).toEqual([])
  expect(sharedWindows([])).toEqual([])
})
