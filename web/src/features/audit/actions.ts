/** The key of an audited action's words in the locales: `image.pull` is `audit.actions.image_pull`. */
export const actionKey = (action: string) => `audit.actions.${action.replaceAll('.', '_')}`
