/** One input or output of a model: a column, with one element for each row. */
record Port(String name, Datatype datatype) {
    /** The datatypes that the models here have. */
    enum Datatype {
        FP64,
        INT64,
        BOOL,
        BYTES
    }
}
