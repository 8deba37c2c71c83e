use rstest::rstest;

use super::{percent, short_number};

#[rstest]
#[case(0.0, "0 %")]
#[case(0.000_01, "less than 0.01 %")]
#[case(0.002, "0.20 %")]
#[case(0.0123, "1.2 %")]
#[case(0.104, "10 %")]
#[case(1.0, "100 %")]
fn a_share_is_shown_with_about_two_digits(#[case] share: f64, #[case] shown: &str) {
    assert_eq!(percent(share), shown);
}

#[rstest]
#[case(0.0, "0")]
#[case(12.345_67, "12.35")]
#[case(-41_234.0, "-41230")]
#[case(0.000_012_345, "1.234e-5")]
#[case(3.2e20, "3.2e20")]
fn a_number_is_shown_with_four_digits(#[case] number: f64, #[case] shown: &str) {
    assert_eq!(short_number(number), shown);
}
