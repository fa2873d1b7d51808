import { useEventListener } from '@vueuse/core'
import { useI18n } from 'vue-i18n'
import { useImageDialogs } from '@/features/images/dialogs'
import { useSession } from '@/features/session/store'
import { verbKey } from '@/features/users/verbs'
import { showNotice } from '@/ui/notices'
import { splitArchives } from './uploads'

const isFormOpen = () => [...document.querySelectorAll<HTMLElement>('.el-overlay:has(.el-overlay-dialog)')].some((overlay) => overlay.style.display !== 'none')

/** Files dropped anywhere on the page are for an import: the browser would leave the page and open them. */
export function usePageDrop(): void {
  const { t } = useI18n()
  const dialogs = useImageDialogs()
  const session = useSession()

  function take(files: File[]): void {
    // Another form is half filled in; the import's own takes more files.
    if (!dialogs.importing && isFormOpen()) return
    if (!session.may('image:import')) {
      showNotice(t('rights.needs', { right: t(verbKey('image:import')) }), { bad: true })
      return
    }
    const { archives, others } = splitArchives(files)
    if (dialogs.importing || archives.length) dialogs.importing = { serverIds: dialogs.importing?.serverIds ?? [], files }
    else showNotice(t('importing.refused', { names: others.join(', ') }), { bad: true })
  }

  // Some places, as the box of the import, have taken it already.
  const isForPage = (event: DragEvent) => !event.defaultPrevented && event.dataTransfer?.types.includes('Files') === true
  useEventListener(window, 'dragover', (event) => {
    if (isForPage(event)) event.preventDefault()
  })
  useEventListener(window, 'drop', (event) => {
    if (!isForPage(event)) return
    event.preventDefault()
    take([...(event.dataTransfer?.files ?? [])])
  })
}
