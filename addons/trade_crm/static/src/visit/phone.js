import { browser } from "@web/core/browser/browser";

const LOCATION_TIMEOUT = 15000;
const LONGEST_SIDE = 1600;
const QUALITY = 0.8;

/** Where the phone is: {location_state, latitude, longitude, accuracy}; never fails. */
export function locate() {
    const { geolocation } = browser.navigator;
    if (!geolocation) {
        return Promise.resolve({ location_state: "unavailable" });
    }
    return new Promise((resolve) =>
        geolocation.getCurrentPosition(
            ({ coords: { latitude, longitude, accuracy } }) =>
                resolve({ location_state: "located", latitude, longitude, accuracy }),
            ({ code, PERMISSION_DENIED }) =>
                resolve({ location_state: code === PERMISSION_DENIED ? "denied" : "unavailable" }),
            { enableHighAccuracy: true, timeout: LOCATION_TIMEOUT, maximumAge: 60000 },
        ),
    );
}

/** A picture small enough for a weak connection: data URL of a JPEG. */
export async function shrinkPhoto(file) {
    const picture = await createImageBitmap(file);
    const scale = Math.min(1, LONGEST_SIDE / Math.max(picture.width, picture.height));
    const canvas = document.createElement("canvas");
    canvas.width = Math.round(picture.width * scale);
    canvas.height = Math.round(picture.height * scale);
    canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
    return canvas.toDataURL("image/jpeg", QUALITY);
}
