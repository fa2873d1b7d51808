import { mount } from '@vue/test-utils'
import { beforeEach, expect, it } from 'vitest'
import { i18n } from '@/i18n'
import { locale } from '@/preferences'
import { checkContainer } from './checks'
import EnvironmentSection from './EnvironmentSection.vue'
import { emptyContainer, emptyVariable } from './model'
import PortsSection from './PortsSection.vue'

beforeEach(() => void (locale.value = 'en'))

const global = { plugins: [i18n] }
const isWrong = (element: Element) => element.getAttribute('aria-invalid') === 'true'

it('marks the field that is wrong, and no other', () => {
  const form = { ...emptyContainer(), name: 'web', ports: [{ host: '99999', container: '80', protocol: 'tcp' as const, hostIp: '' }] }
  const section = mount(PortsSection, { global, props: { form, checks: checkContainer(form, []) } })
  expect(isWrong(section.get('[data-testid=port-host]').element)).toBe(true)
  expect(isWrong(section.get('[data-testid=port-container]').element)).toBe(false)
  expect(section.get('.fault').text()).toBe('The host port is a number from 1 to 65535.')
})

it('gives the focus to the value that is lacking, not to a name that cannot be changed', () => {
  const form = { ...emptyContainer(), name: 'db', env: [{ ...emptyVariable(), name: 'MYSQL_ROOT_PASSWORD', required: true, secret: true }] }
  const section = mount(EnvironmentSection, { global, props: { form, checks: checkContainer(form, []) } })
  expect(section.findAll("[aria-invalid='true']").map((field) => field.attributes('data-testid'))).toEqual(['env-value'])
})
