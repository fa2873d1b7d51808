import { computed } from 'vue'
import { useRoute, useRouter } from 'vue-router'
import { useSearchField } from './search-field'

const DEFAULT_SIZE = 50
const LARGEST_PAGE = 200

function one(value: unknown): string {
  const first: unknown = Array.isArray(value) ? value[0] : value
  return typeof first === 'string' ? first : ''
}

function positive(value: unknown, otherwise: number): number {
  const number = Number(one(value))
  return Number.isInteger(number) && number > 0 ? number : otherwise
}

/** Filters, page and page size of a plain list, kept in the URL; `q` is what is typed into its search field. */
export function useListQuery<Key extends string>(keys: readonly Key[]) {
  const route = useRoute()
  const router = useRouter()
  const values = computed(() => Object.fromEntries(keys.map((key) => [key, one(route.query[key])])) as Record<Key, string>)
  const page = computed(() => positive(route.query.page, 1))
  const size = computed(() => Math.min(positive(route.query.size, DEFAULT_SIZE), LARGEST_PAGE))
  const narrowed = computed(() => keys.some((key) => values.value[key] !== ''))

  function change(part: Partial<Record<Key, string>>, nextPage = 1, nextSize = size.value): void {
    const query: Record<string, string> = {}
    for (const [key, value] of Object.entries<string>({ ...values.value, ...part } as Record<string, string>)) if (value) query[key] = value
    if (nextPage !== 1) query.page = String(nextPage)
    if (nextSize !== DEFAULT_SIZE) query.size = String(nextSize)
    void router.push({ query })
  }

  function clear(): void {
    change(Object.fromEntries(keys.map((key) => [key, ''])) as Record<Key, string>)
  }

  const { typed, search } = useSearchField(
    () => one(route.query.q),
    (q) => change({ q } as Partial<Record<Key, string>>),
  )

  return { values, page, size, narrowed, change, clear, typed, search }
}
