import { Box, Clock, Coin, Document, Files, Grid, Monitor, Operation, User } from '@element-plus/icons-vue'
import type { Component } from 'vue'

export interface NavEntry {
  name: string
  icon: Component
  /** The second key after `g`. */
  key: string
  /** Shown only to those who hold one of these verbs; without, to all. */
  verbs?: string[]
}

/** The sections in groups: what is held, where it is held, what was done, who may. */
export const NAV: NavEntry[][] = [
  [
    { name: 'images', icon: Files, key: 'i' },
    { name: 'containers', icon: Box, key: 'c' },
    { name: 'software', icon: Grid, key: 'w' },
  ],
  [
    { name: 'servers', icon: Monitor, key: 's' },
    { name: 'registries', icon: Coin, key: 'r', verbs: ['registry:manage', 'image:pull'] },
  ],
  [
    { name: 'operations', icon: Operation, key: 'o' },
    { name: 'exports', icon: Document, key: 'e', verbs: ['image:export'] },
  ],
  [
    { name: 'users', icon: User, key: 'u', verbs: ['user:manage'] },
    { name: 'audit', icon: Clock, key: 'a', verbs: ['audit:view'] },
  ],
]
