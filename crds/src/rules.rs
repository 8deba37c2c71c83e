//! Rules of the API server for names: of objects, of labels, of metrics; and for the fields of types that are imported
//! from Kubernetes, which come without any.
//!
//! A name that Kubernetes rejects is rejected here, where a person writes it, instead of later in an owned object.

use kube::core::Rule;
use schemars::Schema;
use serde_json::{Value, json};

use crate::limits;

/// A DNS subdomain, without its length.
const SUBDOMAIN: &str = "[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*";
/// The value of a label, without its length. It may be empty.
const LABEL_VALUE: &str = "([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?";
/// The longest key of a label: a prefix of 253 characters, `/` and a name of 63.
const LABEL_KEY: usize = 317;
/// Most labels that a node must have.
const LABELS: usize = 32;
/// The longest quantity: much longer than any in use.
const QUANTITY: usize = 64;
/// Most resources of a pod: those that Kubernetes has itself, huge pages of two sizes, and two extended ones. With one more,
/// Kubernetes 1.30 refuses the CRD: it counts every quantity as a text of 3 MiB, whatever `maxLength` says, and estimates
/// what the rules cost.
const RESOURCES: usize = 7;

/// The field holds the name of a `ModelDeployment`.
pub fn deployment_name() -> Rule {
    Rule::new("self.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')").message(
        "deployment must be the name of a ModelDeployment: lower-case letters, digits and '-', a letter first, no '-' at the end, at most 63 characters",
    )
}

/// The field holds the name of an object.
pub fn object_name(field: &str) -> Rule {
    Rule::new(format!("self.matches('^{SUBDOMAIN}$')")).message(object_name_message(field).as_str())
}

fn object_name_message(field: &str) -> String {
    format!(
        "{field} must be the name of an object: lower-case letters, digits, '-' and '.', a letter or digit first and last, at most 253 characters"
    )
}

/// The field holds the name of a metric.
pub fn metric_name(field: &str) -> Rule {
    Rule::new(r"self.matches('^[^\\s\\p{C}]([^\\p{C}]*[^\\s\\p{C}])?$')").message(
        format!("{field} must be the name of a metric such as auc or recall@10: one line, without spaces at its ends").as_str(),
    )
}

/// The field holds the address of a file. After `pvc://` comes the name of an object.
pub fn file_address(field: &str) -> Rule {
    let address = r"self.matches('^(s3|https|pvc)://[^/\\s\\p{C}]+/[^\\s\\p{C}]+$')";
    Rule::new(format!("{address} && {}", claim()))
        .message(format!("{field} must be s3://bucket/key, https://host/path or pvc://claim/path").as_str())
}

/// The field holds an image by its digest, with the host of its registry and without a tag. Each image has one such text: upper
/// case, `..` and short names of a default registry are refused.
pub fn pinned_image(field: &str) -> Rule {
    let host = "[a-z0-9]([-a-z0-9.]*[a-z0-9])?(:[1-9][0-9]{0,4})?";
    let name = "[a-z0-9]+(([.]|_|__|-+)[a-z0-9]+)*";
    let form = format!("self.matches('^{host}(/{name})+@sha256:[0-9a-f]{{64}}$')");
    let has_host = "self.matches('^(localhost/|[^/]*[.:])') && !self.matches('^[^/]*[.][.]')";
    Rule::new(format!("{form} && {has_host}")).message(
        format!("{field} must be an image by its digest, with its registry and without a tag: registry.example.com/team/name@sha256:<64 lower-case hexadecimal digits>")
            .as_str(),
    )
}

/// The field holds the address of a folder in `s3://` or `pvc://`.
pub fn folder_address(field: &str) -> Rule {
    let address =
        r"self.matches('^(s3|pvc)://[^/\\s\\p{C}]+(/[^\\s\\p{C}]*)?$') && !('..' in self.split('/'))";
    Rule::new(format!("{address} && {}", claim())).message(
        format!("{field} must be s3://bucket/prefix or pvc://claim/prefix, without '..' in the path")
            .as_str(),
    )
}

fn claim() -> String {
    format!("(!self.startsWith('pvc://') || self.matches('^pvc://{SUBDOMAIN}(/|$)'))")
}

/// Adds a rule to a schema.
fn add(schema: &mut Value, rule: &str, message: &str) {
    let rule = json!({"rule": rule, "message": message});
    match schema.get_mut("x-kubernetes-validations").and_then(Value::as_array_mut) {
        Some(rules) => rules.push(rule),
        None => schema["x-kubernetes-validations"] = json!([rule]),
    }
}

/// Changes a schema as a JSON value.
fn edit(schema: &mut Schema, change: impl FnOnce(&mut Value)) {
    let mut value = schema.clone().to_value();
    change(&mut value);
    *schema = Schema::try_from(value).expect("a changed schema is a schema");
}

/// `spec.nodeSelector`: keys and values of labels.
pub fn node_selector(schema: &mut Schema) {
    edit(schema, |schema| {
        schema["maxProperties"] = json!(LABELS);
        schema["additionalProperties"]["maxLength"] = json!(limits::VERSION);
        add(
            &mut schema["additionalProperties"],
            &format!("self.matches('^{LABEL_VALUE}$')"),
            "a value of nodeSelector must be a label's value: letters, digits, '-', '_' and '.', a letter or digit first and last, at most 63 characters",
        );
        add(
            schema,
            &format!("self.all(key, size(key) <= {LABEL_KEY} && {})", label_key("key")),
            "a key of nodeSelector must be a label's key, for example kubernetes.io/arch: letters, digits, '-', '_' and '.', with a DNS name and '/' before it or without",
        );
    });
}

/// Whether the text in the variable `of` is the key of a label.
fn label_key(of: &str) -> String {
    format!("{of}.matches('^({SUBDOMAIN}/)?[A-Za-z0-9]([-A-Za-z0-9_.]{{0,61}}[A-Za-z0-9])?$')")
}

/// `spec.tolerations`: what Kubernetes requires of each.
pub fn tolerations(schema: &mut Schema) {
    edit(schema, |schema| {
        let item = &mut schema["items"];
        let fields = &mut item["properties"];
        fields["key"]["maxLength"] = json!(LABEL_KEY);
        add(
            &mut fields["key"],
            &format!("self == '' || {}", label_key("self")),
            "key of a toleration must be a taint's key, for example nvidia.com/gpu: letters, digits, '-', '_' and '.', with a DNS name and '/' before it or without",
        );
        fields["value"]["maxLength"] = json!(limits::VERSION);
        add(
            &mut fields["value"],
            &format!("self.matches('^{LABEL_VALUE}$')"),
            "value of a toleration must be a taint's value: letters, digits, '-', '_' and '.', a letter or digit first and last, at most 63 characters",
        );
        for (field, values) in [
            ("operator", &["Exists", "Equal"][..]),
            ("effect", &["NoSchedule", "PreferNoSchedule", "NoExecute"]),
        ] {
            fields[field]["enum"] = values.iter().chain([&""]).copied().collect();
        }
        let exists = "has(self.operator) && self.operator == 'Exists'";
        add(
            item,
            &format!("(has(self.key) && self.key != '') || ({exists})"),
            "a toleration without key must have operator Exists",
        );
        add(
            item,
            &format!("!({exists}) || !has(self.value) || self.value == ''"),
            "a toleration with operator Exists must have no value",
        );
        add(
            item,
            "!has(self.tolerationSeconds) || (has(self.effect) && self.effect == 'NoExecute')",
            "a toleration with tolerationSeconds must have effect NoExecute",
        );
    });
}

/// `spec.imagePullSecrets`: names of Secrets, each once.
pub fn image_pull_secrets(schema: &mut Schema) {
    edit(schema, |schema| {
        let name = &mut schema["items"]["properties"]["name"];
        name["maxLength"] = json!(limits::OBJECT);
        add(name, &format!("self.matches('^{SUBDOMAIN}$')"), &object_name_message("name of a pull Secret"));
        add(
            schema,
            "self.all(one, self.exists_one(other, other.name == one.name))",
            "imagePullSecrets must name each Secret once",
        );
    });
}

/// `spec.resources`: quantities, requests within limits, and no claims.
pub fn resources(schema: &mut Schema) {
    edit(schema, |schema| {
        let fields = &mut schema["properties"];
        for field in ["limits", "requests"] {
            fields[field]["maxProperties"] = json!(RESOURCES);
            fields[field]["additionalProperties"]["maxLength"] = json!(QUANTITY);
            add(
                &mut fields[field]["additionalProperties"],
                "type(self) == int ? self >= 0 : (isQuantity(self) && quantity(self).compareTo(quantity('0')) >= 0)",
                "a quantity of resources must be a number that is not negative, with a unit or without: 500m, 2, 4Gi",
            );
            add(
                &mut fields[field],
                &format!(
                    "self.all(key, key in ['cpu', 'memory', 'ephemeral-storage'] || (size(key) <= {LABEL_KEY} \
                     && (key.startsWith('hugepages-') || key.contains('/')) && {}))",
                    label_key("key")
                ),
                "a resource must be cpu, memory, ephemeral-storage, hugepages-<size> or an extended resource such as nvidia.com/gpu",
            );
        }
        add(
            schema,
            "!has(self.claims) || size(self.claims) == 0",
            "resources.claims must be absent: model pods have no resource claims",
        );
        add(
            schema,
            "!has(self.limits) || !has(self.requests) || self.requests.all(key, !(key in self.limits) \
             || quantity(string(self.requests[key])).compareTo(quantity(string(self.limits[key]))) <= 0)",
            "resources.requests must not exceed resources.limits",
        );
        let special = "(key.startsWith('hugepages-') || key.contains('/'))";
        add(
            schema,
            &format!(
                "!has(self.requests) || self.requests.all(key, !{special} || (has(self.limits) && key in self.limits \
                 && quantity(string(self.requests[key])).compareTo(quantity(string(self.limits[key]))) == 0))"
            ),
            "resources.requests of huge pages and extended resources such as nvidia.com/gpu must equal resources.limits",
        );
        add(
            schema,
            "!has(self.limits) || self.limits.all(key, !key.contains('/') || quantity(string(self.limits[key])).isInteger())",
            "resources.limits of an extended resource such as nvidia.com/gpu must be a whole number",
        );
    });
}
