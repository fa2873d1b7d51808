import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { mount } from '@vue/test-utils'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createMemoryHistory, createRouter } from 'vue-router'
import type { AuditEntry } from '@/api/types'
import { i18n } from '@/i18n'
import { locale } from '@/preferences'
import AuditRow from './AuditRow.vue'
import { actionKey } from './actions'
import { readNotes } from './notes'

const router = createRouter({ history: createMemoryHistory(), routes: [{ path: '/', name: 'operations', component: { render: () => null } }] })
const entry = (over: Partial<AuditEntry>) =>
  ({ id: 1, at: '2026-01-01T00:00:00Z', username: 'admin', address: '', action: 'server.update', outcome: 'ok', subject: '', detail: '', ...over }) as AuditEntry
const row = (over: Partial<AuditEntry>) => mount(AuditRow, { props: { entry: entry(over) }, global: { plugins: [i18n, router] } }).text()

beforeEach(() => void (locale.value = 'zh-CN'))
afterEach(() => void (locale.value = 'en'))

describe('in Chinese', () => {
  it('an ended operation is told as on the page of operations, its failure by the code', () => {
    const text = row({
      action: 'operation.end', outcome: 'failed', code: 'manifest_unknown', subject: '127.0.0.1:5000/app:9',
      detail: 'Pull 127.0.0.1:5000/app:9 to lab-newer: manifest for 127.0.0.1:5000/app:9 not found: manifest unknown',
    })
    expect(text).toContain('操作结束')
    expect(text).toContain('拉取 127.0.0.1:5000/app:9 到 lab-newer：仓库中没有该镜像或标签。 manifest for')
  })

  it('an ended operation that went well too', () => {
    expect(row({ action: 'operation.end', detail: 'Sync 3 servers: 12 images: 1 new, 2 changed, 3 gone' })).toContain('同步 3 台服务器：共 12 个镜像：新增 1，变化 2，消失 3')
  })

  it('a retried operation is named', () => {
    expect(row({ action: 'operation.retry', subject: 'Pull app:9 to lab-newer' })).toContain('拉取 app:9 到 lab-newer')
  })

  it('what was changed is named', () => {
    expect(row({ detail: 'paused, stepLimit' })).toContain('队列暂停状态、并发上限')
    expect(row({ action: 'container.remove', detail: 'force, with volumes' })).toContain('强制、连同数据卷')
  })

  it('what is not known stays as it came', () => {
    expect(row({ detail: 'something else' })).toContain('something else')
    expect(readNotes('my archive.tar')).toBeNull()
  })
})

it('has words for every action that the program writes', () => {
  const crates = join(import.meta.dirname, '../../../../crates')
  const rust = readdirSync(crates, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.rs')).map((file) => readFileSync(join(crates, file), 'utf8')).join('\n')
  const actions = new Set([...rust.matchAll(/(?:AuditNote::new\(\s*|action: )"([a-z_]+\.[a-z_]+)"/g)].map((match) => match[1] as string))
  expect(actions.size).toBeGreaterThan(30)
  expect([...actions].filter((action) => !i18n.global.te(actionKey(action), 'zh-CN'))).toEqual([])
})
