import { enableAutoUnmount, mount } from '@vue/test-utils'
import { ElInput } from 'element-plus'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { h, nextTick } from 'vue'
import { i18n } from '@/i18n'
import FormDialog from './FormDialog.vue'

enableAutoUnmount(afterEach)

async function show(props: Partial<InstanceType<typeof FormDialog>['$props']> = {}) {
  const wrapper = mount(FormDialog, {
    attachTo: document.body,
    global: { plugins: [i18n] },
    props: { modelValue: true, submit: 'Save', submitTestid: 'save', running: false, ...props },
    slots: { default: () => h(ElInput, { modelValue: '' }) },
  })
  await nextTick()
  await nextTick()
  const button = document.querySelector<HTMLButtonElement>('[data-testid=save]')!
  return { wrapper, form: document.querySelector('form')!, input: document.querySelector('input')!, button }
}

describe('FormDialog', () => {
  it('is one form: its button submits the form that the fields belong to', async () => {
    const { form, input, button } = await show()
    expect(document.querySelectorAll('form')).toHaveLength(1)
    expect(input.closest('form')).toBe(form)
    expect(button.type).toBe('submit')
    // This is what makes Enter press the button, and nothing while the button is disabled.
    expect(button.getAttribute('form')).toBe(form.id)
    expect(form.id).not.toBe('')
  })

  it('tells when it is submitted', async () => {
    const { wrapper, form } = await show()
    form.dispatchEvent(new Event('submit', { cancelable: true }))
    expect(wrapper.emitted('submit')).toHaveLength(1)
  })

  it('asks before it is closed when something would be lost', async () => {
    const { wrapper } = await show({ ask: { title: 'Discard it?', confirm: 'Discard' } })
    document.querySelector<HTMLElement>('.el-dialog__headerbtn')!.click()
    await nextTick()
    expect(wrapper.emitted('update:modelValue')).toBeUndefined()
    document.querySelector<HTMLElement>('[data-testid=confirm]')!.click()
    await vi.waitFor(() => expect(wrapper.emitted('update:modelValue')).toEqual([[false]]))
  })

  it('asks nothing when nothing would be lost', async () => {
    const { wrapper } = await show()
    document.querySelector<HTMLElement>('.el-dialog__headerbtn')!.click()
    await nextTick()
    expect(wrapper.emitted('update:modelValue')).toEqual([[false]])
  })

  it('tells an error beside the buttons, where it is seen however long the form is', async () => {
    await show({ error: new Error('no') })
    expect(document.querySelector('[data-testid=error-note]')?.closest('.el-dialog__footer')).not.toBeNull()
  })

  it.each([{ disabled: true }, { running: true }])('refuses while %o', async (props) => {
    expect((await show(props)).button.disabled).toBe(true)
  })
})
