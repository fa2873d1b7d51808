use std::collections::BTreeMap;

use serde_json::value::RawValue;

use crate::blob::Sum;

/// Which of `chain_ids` the layer has whose folder holds this `json` (moby, `image/v1`, `CreateID`).
///
/// A v1 id is the SHA-256 of that JSON with its fields sorted, without `id`, with `layer_id` (the chain id) and with `parent` as a digest.
/// `os` was added to the file after the id was made, except for the top layer, whose fields come from the image's config.
pub(super) fn chain_id<'a>(
    json: &[u8],
    folder: &str,
    chain_ids: impl Iterator<Item = &'a Sum>,
) -> Option<&'a Sum> {
    let mut fields: BTreeMap<&str, &RawValue> = serde_json::from_slice(json).ok()?;
    let id: &str = serde_json::from_str(fields.remove("id")?.get()).ok()?;
    let wanted = Sum::parse(id).filter(|_| id == folder)?;
    let parent: Option<&str> = match fields.remove("parent") {
        Some(parent) => Some(serde_json::from_str(parent.get()).ok()?),
        None => None,
    };
    let with_os = Template::new(&fields, parent);
    let without_os = fields.remove("os").map(|_| Template::new(&fields, parent));
    let templates: Vec<Template> = without_os.into_iter().chain([with_os]).collect();
    let mut chain_ids = chain_ids;
    chain_ids.find(|chain_id| templates.iter().any(|template| template.id(chain_id) == wanted))
}

/// The JSON that is hashed, around its `layer_id`.
struct Template {
    before: String,
    after: String,
}

impl Template {
    fn new(fields: &BTreeMap<&str, &RawValue>, parent: Option<&str>) -> Self {
        let (mut before, mut after) = (String::from("{"), String::from("\""));
        let parent = parent.map(|parent| format!("\"sha256:{parent}\""));
        let mut all: BTreeMap<&str, &str> = fields.iter().map(|(key, value)| (*key, value.get())).collect();
        if let Some(parent) = &parent {
            all.insert("parent", parent);
        }
        for (key, value) in all {
            let field = format!("\"{key}\":{value}");
            if key < "layer_id" {
                before.push_str(&field);
                before.push(',');
            } else {
                after.push(',');
                after.push_str(&field);
            }
        }
        before.push_str("\"layer_id\":\"");
        after.push('}');
        Self { before, after }
    }

    fn id(&self, chain_id: &Sum) -> Sum {
        Sum::of(format!("{}{chain_id}{}", self.before, self.after).as_bytes())
    }
}
