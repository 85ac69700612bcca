import { IndexedDB } from "@web/core/utils/indexed_db";

function run(db, table, mode, act) {
    return new Promise((resolve, reject) => {
        const transaction = db.transaction(table, mode);
        const request = act(transaction.objectStore(table));
        transaction.oncomplete = () => resolve(request.result);
        transaction.onerror = () => reject(transaction.error);
        transaction.onabort = () => reject(transaction.error);
    });
}

/** Tables of the browser whose rows can be listed and taken out one by one. */
export class OutboxStore extends IndexedDB {
    /** Whether the row is kept: a browser may have no storage, or none left. */
    async put(table, key, row) {
        try {
            // What a component watches cannot be stored as it is.
            const plain = JSON.parse(JSON.stringify(row));
            return Boolean(await this.act(table, "readwrite", (rows) => rows.put(plain, key)));
        } catch {
            return false;
        }
    }

    async all(table) {
        return (await this.act(table, "readonly", (rows) => rows.getAll())) || [];
    }

    remove(table, key) {
        return this.act(table, "readwrite", (rows) => rows.delete(key));
    }

    act(table, mode, act) {
        this._tables.add(table);
        return this.execute((db) => db && run(db, table, mode, act));
    }
}
