import type { RouteLocationNormalized } from 'vue-router'

/** Whether only another page of the same list is asked for. Filters, drawers and sizes leave the view where it is. */
export function turnsPage(to: Pick<RouteLocationNormalized, 'path' | 'query'>, from: Pick<RouteLocationNormalized, 'path' | 'query'>): boolean {
  const rest = (query: RouteLocationNormalized['query']) => JSON.stringify(Object.entries(query).filter(([key]) => key !== 'page').sort())
  return to.path === from.path && to.query.page !== from.query.page && rest(to.query) === rest(from.query)
}

/** Where the view is after a navigation: back where it was, at the top of what is new, else untouched. */
export function scrollAfter(to: RouteLocationNormalized, from: RouteLocationNormalized, saved: { left: number; top: number } | null) {
  return saved ?? (to.path !== from.path || turnsPage(to, from) ? { top: 0 } : undefined)
}
