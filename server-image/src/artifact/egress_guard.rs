//! The egress guard: an HTTP client that never calls a link-local or metadata address, in any notation, also after DNS
//! and redirects. Downloads of artifacts and uploads of records use it.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use reqwest::{
    Certificate, Client, Url,
    dns::{Addrs, Name, Resolve, Resolving},
    redirect,
};
use understudy_contract::{Failure, Reason};

use super::secret::Secret;

/// Most redirects of one download. A store behind a load balancer needs fewer; a loop ends here.
const REDIRECTS: usize = 5;
/// Longest time to connect.
const CONNECT: Duration = Duration::from_secs(10);
/// Longest time without data during a download.
const SILENCE: Duration = Duration::from_secs(30);

/// An address that the server never calls.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0} is a link-local or metadata address, which the server never calls")]
pub(super) struct ForbiddenAddress(IpAddr);

/// Rejects link-local addresses and the metadata services of cloud providers, also when they are mapped into IPv6.
fn check_address(address: IpAddr) -> Result<(), ForbiddenAddress> {
    let forbidden = match address {
        IpAddr::V4(v4) => is_forbidden_v4(v4),
        IpAddr::V6(v6) => is_forbidden_v6(v6),
    };
    if forbidden { Err(ForbiddenAddress(address)) } else { Ok(()) }
}

fn is_forbidden_v4(address: Ipv4Addr) -> bool {
    // The metadata services of Alibaba, Azure and Oracle, which are outside of the link-local range.
    const METADATA: [Ipv4Addr; 3] =
        [Ipv4Addr::new(100, 100, 100, 200), Ipv4Addr::new(168, 63, 129, 16), Ipv4Addr::new(192, 0, 0, 192)];
    address.is_link_local()
        || address.is_unspecified()
        || address.is_broadcast()
        || METADATA.contains(&address)
}

fn is_forbidden_v6(address: Ipv6Addr) -> bool {
    // The metadata services of Amazon and Google.
    const METADATA: [Ipv6Addr; 2] = [
        Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254),
        Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254),
    ];
    let segments = address.segments();
    // ::ffff:a.b.c.d, ::a.b.c.d and 64:ff9b::a.b.c.d (NAT64) all end with the IPv4 address that the system calls.
    let [.., high, low] = segments;
    let [a, b] = high.to_be_bytes();
    let [c, d] = low.to_be_bytes();
    let carries_v4 = matches!(segments[..6], [0, 0, 0, 0, 0, 0 | 0xffff] | [0x64, 0xff9b, 0, 0, 0, 0]);
    (carries_v4 && !address.is_loopback() && is_forbidden_v4(Ipv4Addr::new(a, b, c, d)))
        || address.is_unicast_link_local()
        || METADATA.contains(&address)
}

/// Rejects a URL whose host is such an address. The resolver checks names.
pub(super) fn check_url(url: &Url) -> Result<(), ForbiddenAddress> {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host.parse().map_or(Ok(()), check_address)
}

/// Resolves names as the system does. Fails if any address of a name is forbidden.
struct GuardedResolver;

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            found.iter().try_for_each(|address| check_address(address.ip()))?;
            let addresses: Addrs = Box::new(found.into_iter());
            Ok(addresses)
        })
    }
}

/// An HTTP client that trusts the certificate authorities of the system and those in the Secret's `ca.crt`.
///
/// `plain` allows http, for endpoints inside the cluster.
pub(super) fn client(secret: &Secret, plain: bool) -> Result<Client, Failure> {
    let follow = move |attempt: redirect::Attempt<'_>| {
        if attempt.previous().len() > REDIRECTS {
            return attempt.error(format!("more than {REDIRECTS} redirects"));
        }
        if !plain && attempt.url().scheme() != "https" {
            return attempt.error("redirected from https to http");
        }
        match check_url(attempt.url()) {
            Ok(()) => attempt.follow(),
            Err(forbidden) => attempt.error(forbidden),
        }
    };
    // A proxy would resolve names itself, without the check.
    let mut builder = Client::builder()
        .no_proxy()
        .dns_resolver(GuardedResolver)
        .redirect(redirect::Policy::custom(follow))
        .https_only(!plain)
        .connect_timeout(CONNECT)
        .read_timeout(SILENCE);
    if let Some(pem) = &secret.ca {
        let authorities = Certificate::from_pem_bundle(pem).map_err(unusable)?;
        if authorities.is_empty() {
            return Err(unusable("it contains no certificate"));
        }
        builder = builder.tls_certs_merge(authorities);
    }
    builder.build().map_err(unusable)
}

fn unusable(error: impl std::fmt::Display) -> Failure {
    Failure::new(Reason::ArtifactForbidden, format!("failed to use ca.crt of the Secret: {error}"))
}

/// Whether the egress guard caused this error. Another attempt would fail as well.
pub(super) fn is_forbidden(error: &(dyn std::error::Error + 'static)) -> bool {
    std::iter::successors(Some(error), |error| error.source())
        .any(<dyn std::error::Error>::is::<ForbiddenAddress>)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("169.254.169.254")]
    #[case("169.254.0.1")]
    #[case("169.254.170.2")]
    #[case("0.0.0.0")]
    #[case("100.100.100.200")]
    #[case("168.63.129.16")]
    #[case("fe80::1")]
    #[case("febf::1")]
    #[case("fd00:ec2::254")]
    #[case("fd20:ce::254")]
    #[case("::ffff:169.254.169.254")]
    #[case("::169.254.169.254")]
    #[case("64:ff9b::169.254.169.254")]
    #[case("::")]
    fn metadata_services_are_forbidden(#[case] address: &str) {
        let address = address.parse().unwrap();
        assert_eq!(check_address(address), Err(ForbiddenAddress(address)));
    }

    #[rstest]
    #[case("10.96.0.12")]
    #[case("127.0.0.1")]
    #[case("192.168.1.1")]
    #[case("169.253.255.255")]
    #[case("::1")]
    #[case("fd00:ec2::253")]
    #[case("2001:db8::1")]
    #[case("::ffff:10.0.0.1")]
    fn addresses_in_the_cluster_and_on_the_internet_are_allowed(#[case] address: &str) {
        assert_eq!(check_address(address.parse().unwrap()), Ok(()));
    }
}
