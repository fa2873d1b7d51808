import { createRouter, createWebHistory, type RouteRecordRaw } from 'vue-router'
import { onSessionExpired } from './api/client'
import { useSession } from './features/session/store'
import { imageView } from './preferences'
import { CodeMissing, fetched } from './shell/code'
import { forgetWanted, recover } from './shell/recovery'
import { scrollAfter } from './shell/scrolling'

declare module 'vue-router' {
  interface RouteMeta {
    open?: boolean
    title?: string
    /** One of these verbs is needed; without, the page says so instead. */
    verbs?: string[]
  }
}

const routes: RouteRecordRaw[] = [
  { path: '/login', name: 'login', meta: { open: true, title: 'session.logIn' }, component: fetched(() => import('./features/session/LoginPage.vue')) },
  { path: '/', redirect: () => ({ name: 'images', params: { view: imageView.value } }) },
  { path: '/images', redirect: (to) => ({ name: 'images', params: { view: imageView.value }, query: to.query }) },
  {
    path: '/images/:view(by-server|by-image|list)',
    name: 'images',
    meta: { title: 'nav.images' },
    component: fetched(() => import('./features/images/ImagesPage.vue')),
  },
  { path: '/containers', name: 'containers', meta: { title: 'nav.containers' }, component: fetched(() => import('./features/containers/ContainersPage.vue')) },
  { path: '/software', name: 'software', meta: { title: 'nav.software' }, component: fetched(() => import('./features/software/SoftwarePage.vue')) },
  { path: '/servers', name: 'servers', meta: { title: 'nav.servers' }, component: fetched(() => import('./features/servers/ServersPage.vue')) },
  { path: '/registries', name: 'registries', meta: { title: 'nav.registries', verbs: ['registry:manage', 'image:pull'] }, component: fetched(() => import('./features/registries/RegistriesPage.vue')) },
  { path: '/operations', name: 'operations', meta: { title: 'nav.operations' }, component: fetched(() => import('./features/operations/OperationsPage.vue')) },
  { path: '/exports', name: 'exports', meta: { title: 'nav.exports', verbs: ['image:export'] }, component: fetched(() => import('./features/exports/ExportsPage.vue')) },
  { path: '/users', name: 'users', meta: { title: 'nav.users', verbs: ['user:manage'] }, component: fetched(() => import('./features/users/UsersPage.vue')) },
  { path: '/audit', name: 'audit', meta: { title: 'nav.audit', verbs: ['audit:view'] }, component: fetched(() => import('./features/audit/AuditPage.vue')) },
  { path: '/account', name: 'account', meta: { title: 'nav.account' }, component: fetched(() => import('./features/settings/AccountPage.vue')) },
  { path: '/:rest(.*)*', name: 'missing', meta: { title: 'missing.title' }, component: fetched(() => import('./ui/MissingPage.vue')) },
]

export const router = createRouter({
  history: createWebHistory(),
  routes,
  scrollBehavior: scrollAfter,
})

router.beforeEach(async (to, from) => {
  const session = useSession()
  // The shell asks by itself who is there until it is told; meanwhile its links lead on.
  if (!session.asked && from.matched.length > 0) return true
  // A server that does not answer must not leave a blank page: the page itself shows it.
  const known = await session.load().catch(() => undefined)
  if (known === undefined) return true
  if (known === null && !to.meta.open) return { name: 'login', query: { next: to.fullPath } }
  if (known !== null && to.name === 'login') return { path: '/' }
  return true
})

router.onError((thrown, to) => {
  if (thrown instanceof CodeMissing) void recover({ address: to.fullPath, again: () => void router.push(to.fullPath).catch(() => undefined), leaves: true })
})
router.afterEach((_to, _from, failure) => {
  if (!failure) forgetWanted()
})

onSessionExpired(() => {
  const session = useSession()
  if (!session.user) return
  session.expire()
  const from = router.currentRoute.value
  if (from.name !== 'login') void router.replace({ name: 'login', query: { next: from.fullPath, expired: '1' } })
})
