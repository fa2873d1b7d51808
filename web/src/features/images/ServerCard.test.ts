import { shallowMount } from '@vue/test-utils'
import { createPinia, setActivePinia } from 'pinia'
import { expect, it, vi } from 'vitest'
import { ref } from 'vue'
import type { ServerGroup, Session } from '@/api/types'
import { useSession } from '@/features/session/store'
import { i18n } from '@/i18n'
import { NO_FILTERS } from './filters'
import ServerCard from './ServerCard.vue'

vi.mock('./use-filters', () => ({ useImageFilters: () => ({ filters: ref(NO_FILTERS) }) }))
vi.mock('@/features/servers/all', () => ({ useAllServers: () => ({ byId: ref(new Map()) }) }))

const group = { server: { id: 1, name: 'a', status: 'online', tags: [] }, images: [], imageCount: 0, totalSize: 0 } as unknown as ServerGroup

it.each([
  [['image:view'], null, false],
  [['image:view', 'image:pull'], [2], false],
  [['image:view', 'image:pull'], [1], true],
])('whoever holds %s on %s is offered a sync: %s', (verbs, servers, offered) => {
  setActivePinia(createPinia())
  useSession().session = { rights: [{ verbs, servers, repositories: null }] } as unknown as Session
  const card = shallowMount(ServerCard, { props: { group }, global: { plugins: [i18n], stubs: { RouterLink: true } } })
  expect(card.find('[data-testid="sync-server-1"]').exists()).toBe(offered)
})
