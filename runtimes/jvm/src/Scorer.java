import java.util.List;

/** A model that scores rows. It may be called by several threads at the same time. */
interface Scorer {
    /** One column for each input: {@code double[]}, {@code long[]}, {@code boolean[]} or {@code String[]}, by its datatype. */
    List<Port> inputs();

    /** Outputs, with another dimension for the scores of classes. */
    List<Output> outputs();

    /** The outputs of these rows, in their order. An output with {@code width} has so many elements for each row. */
    Object[] score(Object[] columns, int rows);

    /** An output: one element for each row, or {@code width} of them. */
    record Output(Port port, int width) {
        static Output of(String name, Port.Datatype datatype) {
            return new Output(new Port(name, datatype), 0);
        }
    }

    /** The model cannot be served, with a sentence that says why. */
    final class Unsupported extends RuntimeException {
        Unsupported(String message) {
            super(message);
        }
    }
}
