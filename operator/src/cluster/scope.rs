//! The namespaces that one set of caches and controllers covers.

use kube::{Api, Client, Resource, core::NamespaceResourceScope};

/// All namespaces, or one of them.
#[derive(Clone, Debug, PartialEq)]
pub enum Scope {
    /// All namespaces.
    Cluster,
    /// One namespace. The operator needs only a Role there.
    Namespace(String),
}

impl Scope {
    /// The namespace, or an empty text for all namespaces.
    pub fn namespace(&self) -> &str {
        match self {
            Self::Cluster => "",
            Self::Namespace(namespace) => namespace,
        }
    }

    /// The API of `K` in this scope.
    pub fn api<K>(&self, client: &Client) -> Api<K>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
    {
        match self {
            Self::Cluster => Api::all(client.clone()),
            Self::Namespace(namespace) => Api::namespaced(client.clone(), namespace),
        }
    }
}
