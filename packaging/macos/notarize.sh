#!/bin/sh
# Sign Retort.app and its disk image, let Apple notarize the image, staple the ticket to it.
#
#   packaging/macos/notarize.sh sign build/dist/Retort.app       before the image is made
#   packaging/macos/notarize.sh notarize build/dist/retort-….dmg
#
# RETORT_SIGNING_IDENTITY names a "Developer ID Application" certificate of the keychain, RETORT_NOTARY_PROFILE
# what `xcrun notarytool store-credentials` was told. Written and not yet run: there was no Mac and no account.
set -eu

folder=$(cd "$(dirname "$0")" && pwd)
what=${1:?sign or notarize}
target=${2:?an application or a disk image}

sign() {
    codesign --force --timestamp --options runtime --sign "$RETORT_SIGNING_IDENTITY" "$@"
}

case $what in
sign)
    # From the inside out: libraries, then the programs beside them, then the whole.
    find "$target/Contents" -type f \( -name '*.dylib' -o -name '*.so' \) | while read -r library; do
        sign "$library"
    done
    for framework in "$target"/Contents/Frameworks/PySide6/Qt/lib/*.framework; do
        [ -d "$framework" ] && sign "$framework"
    done
    for program in "$target"/Contents/MacOS/*; do
        sign --entitlements "$folder/entitlements.plist" "$program"
    done
    sign --entitlements "$folder/entitlements.plist" "$target"
    codesign --verify --strict --deep "$target"
    ;;
notarize)
    sign "$target"
    xcrun notarytool submit "$target" --keychain-profile "$RETORT_NOTARY_PROFILE" --wait
    xcrun stapler staple "$target"
    spctl --assess --type open --context context:primary-signature "$target"
    ;;
*)
    echo "sign or notarize, not $what" >&2
    exit 2
    ;;
esac
