use chrono::{DateTime, Utc};
use imagefleet_model::{Image, ImageStatus};
use serde::Serialize;

/// An image as the source document's table has it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = MonitorImage)]
pub struct ImageView {
    /// 主键ID
    system_soft_image_id: i64,
    /// 关联的软件ID
    system_soft_id: Option<i64>,
    /// 服务器ID
    system_soft_image_server_id: i64,
    /// 服务器名称
    system_soft_image_server_name: String,
    /// `Docker镜像ID`
    system_soft_image_image_id: String,
    /// 镜像名称
    system_soft_image_name: String,
    /// 镜像标签
    system_soft_image_tag: Option<String>,
    /// 完整镜像名
    system_soft_image_full_name: String,
    /// 镜像大小
    system_soft_image_size: u64,
    /// 镜像状态
    system_soft_image_status: ImageStatus,
    /// 创建时间
    create_time: DateTime<Utc>,
    /// 更新时间
    update_time: DateTime<Utc>,
}

impl From<Image> for ImageView {
    fn from(image: Image) -> Self {
        Self {
            system_soft_image_id: image.id,
            system_soft_id: image.software_id,
            system_soft_image_server_id: image.server_id,
            system_soft_image_server_name: image.server_name,
            system_soft_image_image_id: image.engine_id,
            system_soft_image_name: image.repository,
            system_soft_image_tag: image.tag,
            system_soft_image_full_name: image.full_name,
            system_soft_image_size: image.size,
            system_soft_image_status: image.status,
            create_time: image.first_seen_at,
            update_time: image.updated_at,
        }
    }
}
