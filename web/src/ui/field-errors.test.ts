import { mount } from '@vue/test-utils'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { nextTick, reactive, ref } from 'vue'
import { ApiError, asApiError } from '@/api/problem'
import { i18n } from '@/i18n'
import { locale } from '@/preferences'
import { ownerOf, useFieldErrors } from './field-errors'
import { useProblemText } from './problem-text'

/** Inside of a component, where translations are. */
function within<T>(use: () => T): T {
  let result!: T
  mount({ setup: () => ((result = use()), () => null) }, { global: { plugins: [i18n] } })
  return result
}

function start() {
  const form = reactive({ name: 'a', ca: 'x' })
  const error = ref<unknown>(null)
  const errors = within(() => useFieldErrors(error, { name: () => form.name, 'tls.ca': () => form.ca }, { name_taken: 'name' }))
  return { form, error, ...errors }
}

const refused = (...fields: [string, string][]) => new ApiError(422, 'invalid_input', 'name: …', undefined, fields.map(([field, message]) => ({ field, message })))

beforeEach(() => void (locale.value = 'en'))
afterEach(() => void (locale.value = 'en'))

describe('useFieldErrors', () => {
  it('shows each fault at its field, and no note beside it', () => {
    const { error, fault, rest } = start()
    error.value = refused(['name', 'is required'], ['tls.ca', 'is broken PEM text'])
    expect(fault('name')).toBe('Is required.')
    expect(fault('tls.ca')).toBe('Is broken PEM text.')
    expect(rest.value).toBeNull()
  })

  it('says them in the chosen language, without the name that the API has for the field', async () => {
    const { error, fault } = start()
    locale.value = 'zh-CN'
    await nextTick()
    error.value = refused(['name', 'must have 1 to 64 printable characters'])
    expect(fault('name')).toContain('1–64')
    expect(fault('name')).toMatch(/[\u4e00-\u9fff]/)
    expect(fault('name')).not.toContain('name')
  })

  it('forgets a fault when its field changes, and only that', async () => {
    const { form, error, fault } = start()
    error.value = refused(['name', 'is wrong'], ['tls.ca', 'is wrong'])
    form.name = 'b'
    await nextTick()
    expect(fault('name')).toBe('')
    expect(fault('tls.ca')).toBe('Is wrong.')
    error.value = null
    expect(fault('tls.ca')).toBe('')
  })

  it('knows which field an error without fields is about', () => {
    const { error, fault, rest } = start()
    error.value = new ApiError(409, 'name_taken', 'That name is taken already.')
    expect(fault('name')).toBe('That name is taken already.')
    expect(rest.value).toBeNull()
  })

  it('leaves to the note what no field of the form is', () => {
    const { error, rest } = start()
    error.value = refused(['name', 'is wrong'], ['odd', 'is wrong'])
    expect(asApiError(rest.value).message).toBe('odd: Is wrong.')
    error.value = new ApiError(503, 'database_unavailable', 'No.')
    expect(rest.value).toBe(error.value)
  })
})

it('finds the nearest field that owns a part', () => {
  expect(ownerOf('offPeak.from', ['off', 'offPeak'])).toBe('offPeak')
  expect(ownerOf('tags[3]', ['tags'])).toBe('tags')
  expect(ownerOf('tls.ca', ['tls', 'tls.ca'])).toBe('tls.ca')
  expect(ownerOf('names', ['name'])).toBeUndefined()
})

it('does not repeat a sentence below its own translation', async () => {
  const { fromInfo } = within(useProblemText)
  locale.value = 'zh-CN'
  await nextTick()
  expect(fromInfo({ code: 'bad_credentials', message: 'User name or password is wrong.' }).original).toBe('')
  expect(fromInfo({ code: 'bad_credentials', message: 'Something else.' }).original).toBe('Something else.')
})
