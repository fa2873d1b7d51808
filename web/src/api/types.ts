import type { components } from './schema'

type Schemas = components['schemas']

export type Problem = Schemas['Problem']
export type ErrorInfo = Schemas['ErrorInfo']
export type Session = Schemas['Session']
export type Grant = Schemas['Grant']
export type Server = Schemas['Server']
export type ServerInput = Schemas['ServerInput']
export type ServerStatus = Schemas['ServerStatus']
export type TestResult = Schemas['TestResult']
export type Image = Schemas['Image']
export type ImageStatus = Schemas['ImageStatus']
export type ImageDetail = Schemas['ImageDetail']
export type ImageConfig = Schemas['ImageConfig']
export type Layer = Schemas['ImageLayer']
export type LayerProgress = Schemas['LayerProgress']
export type ImageGroup = Schemas['ImageGroup']
export type ServerGroup = Schemas['ServerGroup']
export type Placement = Schemas['Placement']
export type Operation = Schemas['Operation']
export type OperationStatus = Schemas['OperationStatus']
export type Step = Schemas['Step']
export type Export = Schemas['Export']
export type ArchiveInfo = Schemas['ArchiveInfo']
export type ArchiveImage = Schemas['ArchiveImage']
export type Registry = Schemas['Registry']
export type RegistryInput = Schemas['RegistryInput']
export type Container = Schemas['Container']
export type ContainerDetail = Schemas['ContainerDetail']
export type ContainerInput = Schemas['ContainerInput']
export type ContainerStats = Schemas['ContainerStats']
export type Software = Schemas['Software']
export type SoftwareInput = Schemas['SoftwareInput']
export type SoftwareFile = Schemas['SoftwareFile']
export type SoftwareForm = Schemas['SoftwareForm']
export type User = Schemas['User']
export type UserInput = Schemas['UserInput']
export type Role = Schemas['Role']
export type Token = Schemas['Token']
export type NewToken = Schemas['NewToken']
export type SessionEntry = Schemas['SessionEntry']
export type AuditEntry = Schemas['AuditEntry']

/** What every list of the API answers. */
export interface Page<T> {
  items: T[]
  total: number
  page: number
  size: number
}
