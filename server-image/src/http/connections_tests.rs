use std::net::Ipv4Addr;

use super::*;

const ALICE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
const BOB: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 2));

fn connections(all: usize, port: usize, caller: usize) -> Arc<Connections> {
    let family = Family::new("fraud", "1.3.0");
    Arc::new(Connections::new(Limits { all, port, caller }, &family, "inference"))
}

fn admit<const N: usize>(connections: &Arc<Connections>, caller: IpAddr) -> [Ticket; N] {
    [(); N].map(|()| connections.admit("main", caller).ok().unwrap())
}

/// Whether the connection was told to end.
fn has_ended(ticket: &Ticket) -> bool {
    use futures::FutureExt;
    ticket.ended().now_or_never().is_some()
}

#[test]
fn a_caller_at_its_limit_replaces_its_own_connections_and_not_those_of_others() {
    let connections = connections(8, 8, 2);
    let [bobs] = admit(&connections, BOB);
    let [first, second] = admit(&connections, ALICE);
    let _third = connections.admit("direct", ALICE).ok().unwrap();
    assert_eq!([&bobs, &first, &second].map(has_ended), [false, true, false]);
    assert_eq!(connections.replaced.get(), 1);
}

#[test]
fn the_connection_that_has_rested_longest_gives_way() {
    let connections = connections(2, 2, 2);
    let [first, second] = admit(&connections, ALICE);
    connections.advance();
    first.begin();
    first.end();
    let _third = connections.admit("main", BOB).ok().unwrap();
    assert_eq!([&first, &second].map(has_ended), [false, true]);
}

#[test]
fn a_busy_connection_never_gives_way() {
    let connections = connections(2, 2, 2);
    let busy: [Ticket; 2] = admit(&connections, ALICE);
    busy.iter().for_each(Ticket::begin);
    assert!(connections.admit("main", BOB).is_err());
    assert_eq!((connections.refused.get(), connections.replaced.get()), (1, 0));
    drop(busy);
    assert!(connections.admit("main", BOB).is_ok(), "the places are free again");
}

#[test]
fn one_port_cannot_take_the_places_of_all() {
    let connections = connections(3, 2, 3);
    let busy: [Ticket; 2] = admit(&connections, ALICE);
    busy.iter().for_each(Ticket::begin);
    assert!(connections.admit("main", BOB).is_err());
    assert!(connections.admit("direct", BOB).is_ok());
}

#[test]
fn a_header_must_arrive_within_seconds_and_an_idle_connection_may_rest_for_minutes() {
    let connections = connections(8, 8, 8);
    let [idle, header, busy] = admit(&connections, ALICE);
    header.received(b"GET");
    busy.received(b"GET");
    busy.begin();
    let ended = || [&idle, &header, &busy].map(has_ended);
    (1..HEADER).for_each(|_| connections.advance());
    assert_eq!(ended(), [false, false, false]);
    connections.advance();
    assert_eq!(ended(), [false, true, false]);
    (HEADER..IDLE).for_each(|_| connections.advance());
    assert_eq!(ended(), [true, true, false], "a header that is still not complete ends in each tick");
    assert!(connections.slow_header.get() > 0 && connections.idle.get() == 1);
}

#[test]
fn an_ipv4_caller_is_the_same_on_a_socket_for_both_protocols() {
    let connections = connections(8, 8, 1);
    let [first] = admit(&connections, ALICE);
    let IpAddr::V4(alice) = ALICE else { unreachable!() };
    let _second = connections.admit("main", IpAddr::V6(alice.to_ipv6_mapped())).ok().unwrap();
    assert!(has_ended(&first));
}
