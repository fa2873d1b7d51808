/** Whether a dialog or drawer lies over the page. */
export function isDialogOpen(): boolean {
  return [...document.querySelectorAll<HTMLElement>('.el-overlay')].some((overlay) => overlay.style.display !== 'none')
}
