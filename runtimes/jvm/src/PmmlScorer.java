import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.pmml4s.common.DataType;
import org.pmml4s.metadata.Field;
import org.pmml4s.metadata.OutputField;
import org.pmml4s.model.Model;

/** A model in PMML. A missing number is NaN, a missing text the empty one. */
final class PmmlScorer implements Scorer {
    private final Model model;
    private final List<Port> inputs = new ArrayList<>();
    private final List<Output> outputs = new ArrayList<>();

    private PmmlScorer(Model model) {
        this.model = model;
        for (Field field : model.inputFields()) {
            inputs.add(new Port(field.name(), input(field.dataType())));
        }
        for (OutputField field : model.outputFields()) {
            outputs.add(Output.of(field.name(), output(field.dataType())));
        }
    }

    static Scorer load(Path file) {
        return new PmmlScorer(Model.fromFile(file.toFile()));
    }

    /** Numbers may be missing, and only a floating-point number can say so. */
    private static Port.Datatype input(DataType type) {
        return switch (type.toString()) {
            case "boolean" -> Port.Datatype.BOOL;
            case "integer", "float", "double", "real", "numeric" -> Port.Datatype.FP64;
            default -> Port.Datatype.BYTES;
        };
    }

    private static Port.Datatype output(DataType type) {
        return switch (type.toString()) {
            case "boolean" -> Port.Datatype.BOOL;
            case "float", "double", "real", "numeric", "integer" -> Port.Datatype.FP64;
            default -> Port.Datatype.BYTES;
        };
    }

    @Override
    public List<Port> inputs() {
        return inputs;
    }

    @Override
    public List<Output> outputs() {
        return outputs;
    }

    @Override
    public Object[] score(Object[] columns, int rows) {
        Object[] results = new Object[outputs.size()];
        for (int output = 0; output < results.length; output++) {
            results[output] = switch (outputs.get(output).port().datatype()) {
                case BYTES -> new String[rows];
                case BOOL -> new boolean[rows];
                default -> new double[rows];
            };
        }
        for (int row = 0; row < rows; row++) {
            Map<String, Object> values = new HashMap<>();
            for (int input = 0; input < columns.length; input++) {
                values.put(inputs.get(input).name(), value(columns[input], row));
            }
            Map<String, Object> found = model.predict(values);
            for (int output = 0; output < results.length; output++) {
                put(results[output], row, found.get(outputs.get(output).port().name()));
            }
        }
        return results;
    }

    private static Object value(Object column, int row) {
        if (column instanceof double[] numbers) {
            return Double.isNaN(numbers[row]) ? null : (Object) numbers[row];
        }
        if (column instanceof String[] texts) {
            return texts[row].isEmpty() ? null : texts[row];
        }
        return ((boolean[]) column)[row];
    }

    private static void put(Object result, int row, Object value) {
        if (result instanceof double[] numbers) {
            numbers[row] = value instanceof Number number ? number.doubleValue() : Double.NaN;
        } else if (result instanceof String[] texts) {
            texts[row] = value == null ? "" : value.toString();
        } else {
            ((boolean[]) result)[row] = Boolean.TRUE.equals(value);
        }
    }
}
