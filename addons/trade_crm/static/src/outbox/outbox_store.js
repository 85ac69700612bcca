const VERSION = 1;

function settle(request) {
    return new Promise((resolve, reject) => {
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
    });
}

/** Tables of the browser, whose rows can be listed and taken out one by one. */
export class OutboxStore {
    constructor(name, tables) {
        const request = indexedDB.open(name, VERSION);
        request.onupgradeneeded = () => tables.forEach((table) => request.result.createObjectStore(table));
        this.db = settle(request).then((db) => {
            // A later version in another window does not have to wait for this one.
            db.onversionchange = () => db.close();
            return db;
        });
        // Who asks for a row hears of it.
        this.db.catch(() => {});
    }

    /** Whether the row is kept: a browser may have no storage, or none left. */
    async put(table, key, row) {
        try {
            // What a component watches cannot be stored as it is.
            const plain = JSON.parse(JSON.stringify(row));
            await this.act(table, "readwrite", (rows) => rows.put(plain, key));
            return true;
        } catch {
            return false;
        }
    }

    async all(table) {
        try {
            return await this.act(table, "readonly", (rows) => rows.getAll());
        } catch {
            return [];
        }
    }

    async remove(table, key) {
        try {
            await this.act(table, "readwrite", (rows) => rows.delete(key));
        } catch {
            // It is sent once more, and is one thing all the same.
        }
    }

    async act(table, mode, act) {
        const transaction = (await this.db).transaction(table, mode);
        const done = new Promise((resolve, reject) => {
            transaction.oncomplete = resolve;
            transaction.onabort = () => reject(transaction.error);
        });
        const [result] = await Promise.all([settle(act(transaction.objectStore(table))), done]);
        return result;
    }
}
