import com.google.gson.Gson;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Inference requests and answers of the Open Inference Protocol: JSON, or JSON with binary tensors behind it. */
final class Tensors {
    private static final Gson GSON = new Gson();

    /** A request that is wrong, with a sentence that says what. */
    static final class Wrong extends RuntimeException {
        Wrong(String message) {
            super(message);
        }
    }

    /** The columns of a request, and whether its outputs are wanted in binary. */
    record Request(Object[] columns, int rows, boolean binary) {}

    /** An answer, and the length of its JSON if binary tensors follow, or -1. */
    record Answer(byte[] body, int jsonLength) {}

    private Tensors() {}

    /** Reads a request. {@code jsonLength} is the length of its JSON, or -1 if it is all JSON. */
    static Request read(byte[] body, int jsonLength, List<Port> ports) {
        int length = jsonLength < 0 ? body.length : jsonLength;
        if (length > body.length) {
            throw new Wrong("the length of the JSON is beyond the end of the body");
        }
        ByteBuffer blobs = ByteBuffer.wrap(body, length, body.length - length).order(ByteOrder.LITTLE_ENDIAN);
        Map<String, Object> found = new HashMap<>();
        int rows = -1;
        boolean binary = false;
        try {
            String text = new String(body, 0, length, StandardCharsets.UTF_8);
            JsonObject request = JsonParser.parseString(text).getAsJsonObject();
            for (JsonElement element : request.getAsJsonArray("inputs")) {
                JsonObject input = element.getAsJsonObject();
                String name = input.get("name").getAsString();
                Port port = ports.stream().filter(one -> one.name().equals(name)).findAny()
                        .orElseThrow(() -> new Wrong("the model has no input `" + name + "`"));
                if (!port.datatype().name().equals(input.get("datatype").getAsString())) {
                    throw new Wrong("input `" + name + "` must be " + port.datatype());
                }
                int count = count(input.getAsJsonArray("shape"), name);
                if (rows >= 0 && rows != count) {
                    throw new Wrong("the inputs have different numbers of rows");
                }
                rows = count;
                JsonObject parameters = input.has("parameters") ? input.getAsJsonObject("parameters") : new JsonObject();
                Object column = parameters.has("binary_data_size")
                        ? binary(port, count, slice(blobs, parameters.get("binary_data_size").getAsInt(), name))
                        : json(port, count, input.getAsJsonArray("data"));
                found.put(name, column);
            }
            if (request.has("outputs")) {
                for (JsonElement element : request.getAsJsonArray("outputs")) {
                    JsonObject parameters = element.getAsJsonObject().getAsJsonObject("parameters");
                    binary |= parameters != null && parameters.has("binary_data") && parameters.get("binary_data").getAsBoolean();
                }
            }
        } catch (JsonParseException | IllegalStateException | NullPointerException | UnsupportedOperationException
                | NumberFormatException | ClassCastException error) {
            throw new Wrong("the request is not one of the Open Inference Protocol: " + error.getMessage());
        }
        List<Object> columns = new ArrayList<>();
        for (Port port : ports) {
            Object column = found.get(port.name());
            if (column == null) {
                throw new Wrong("input `" + port.name() + "` is missing");
            }
            columns.add(column);
        }
        return new Request(columns.toArray(), rows, binary);
    }

    /** Rows of a tensor of shape [n] or [n, 1]. */
    private static int count(JsonArray shape, String name) {
        boolean isColumn = shape.size() == 1 || (shape.size() == 2 && shape.get(1).getAsInt() == 1);
        int count = shape.isEmpty() ? -1 : shape.get(0).getAsInt();
        if (!isColumn || count < 0) {
            throw new Wrong("input `" + name + "` must have the shape [n], one element for each row");
        }
        return count;
    }

    private static ByteBuffer slice(ByteBuffer blobs, int size, String name) {
        if (size < 0 || size > blobs.remaining()) {
            throw new Wrong("input `" + name + "` is longer than the body");
        }
        ByteBuffer slice = blobs.slice(blobs.position(), size).order(ByteOrder.LITTLE_ENDIAN);
        blobs.position(blobs.position() + size);
        return slice;
    }

    private static Object json(Port port, int count, JsonArray data) {
        List<JsonElement> flat = new ArrayList<>(count);
        flatten(data, flat);
        if (flat.size() != count) {
            throw new Wrong("input `" + port.name() + "` has " + flat.size() + " elements, but its shape needs " + count);
        }
        switch (port.datatype()) {
            case FP64 -> {
                double[] numbers = new double[count];
                for (int row = 0; row < count; row++) {
                    JsonElement element = flat.get(row);
                    numbers[row] = element.isJsonNull() ? Double.NaN : element.getAsDouble();
                }
                return numbers;
            }
            case INT64 -> {
                return flat.stream().mapToLong(JsonElement::getAsLong).toArray();
            }
            case BOOL -> {
                boolean[] values = new boolean[count];
                for (int row = 0; row < count; row++) {
                    values[row] = flat.get(row).getAsBoolean();
                }
                return values;
            }
            default -> {
                return flat.stream().map(JsonElement::getAsString).toArray(String[]::new);
            }
        }
    }

    private static void flatten(JsonArray data, List<JsonElement> flat) {
        for (JsonElement element : data) {
            if (element.isJsonArray()) {
                flatten(element.getAsJsonArray(), flat);
            } else {
                flat.add(element);
            }
        }
    }

    private static Object binary(Port port, int count, ByteBuffer blob) {
        int size = switch (port.datatype()) {
            case FP64, INT64 -> 8;
            case BOOL -> 1;
            default -> 0;
        };
        if (size > 0 && blob.remaining() != (long) count * size) {
            throw new Wrong("input `" + port.name() + "` does not have the bytes of " + count + " elements");
        }
        switch (port.datatype()) {
            case FP64 -> {
                double[] numbers = new double[count];
                blob.asDoubleBuffer().get(numbers);
                return numbers;
            }
            case INT64 -> {
                long[] numbers = new long[count];
                blob.asLongBuffer().get(numbers);
                return numbers;
            }
            case BOOL -> {
                boolean[] values = new boolean[count];
                for (int row = 0; row < count; row++) {
                    values[row] = blob.get() != 0;
                }
                return values;
            }
            default -> {
                List<String> texts = new ArrayList<>();
                while (blob.remaining() >= 4 && texts.size() < count) {
                    int length = blob.getInt();
                    if (length < 0 || length > blob.remaining()) {
                        break;
                    }
                    byte[] text = new byte[length];
                    blob.get(text);
                    texts.add(new String(text, StandardCharsets.UTF_8));
                }
                if (texts.size() != count || blob.hasRemaining()) {
                    throw new Wrong("input `" + port.name() + "` does not have " + count + " elements of BYTES");
                }
                return texts.toArray(String[]::new);
            }
        }
    }

    /** Writes the outputs of so many rows. */
    static Answer write(String model, List<Scorer.Output> outputs, Object[] values, int rows, boolean binary) {
        StringBuilder json = new StringBuilder("{\"model_name\":").append(GSON.toJson(model)).append(",\"outputs\":[");
        ByteArrayOutputStream blobs = new ByteArrayOutputStream();
        for (int output = 0; output < values.length; output++) {
            Scorer.Output about = outputs.get(output);
            json.append(output > 0 ? "," : "").append("{\"name\":").append(GSON.toJson(about.port().name()));
            json.append(",\"datatype\":\"").append(about.port().datatype()).append("\",\"shape\":[").append(rows);
            json.append(about.width() > 0 ? "," + about.width() : "").append("],");
            if (binary) {
                byte[] blob = blob(values[output]);
                blobs.writeBytes(blob);
                json.append("\"parameters\":{\"binary_data_size\":").append(blob.length).append("}}");
            } else {
                json.append("\"data\":");
                list(json, values[output]);
                json.append('}');
            }
        }
        byte[] head = json.append("]}").toString().getBytes(StandardCharsets.UTF_8);
        ByteArrayOutputStream body = new ByteArrayOutputStream(head.length + blobs.size());
        body.writeBytes(head);
        body.writeBytes(blobs.toByteArray());
        return new Answer(body.toByteArray(), binary ? head.length : -1);
    }

    private static void list(StringBuilder json, Object values) {
        int count = java.lang.reflect.Array.getLength(values);
        json.append('[');
        for (int element = 0; element < count; element++) {
            json.append(element > 0 ? "," : "");
            if (values instanceof double[] numbers) {
                // JSON has no NaN and no infinity.
                json.append(Double.isFinite(numbers[element]) ? Double.toString(numbers[element]) : "null");
            } else if (values instanceof long[] numbers) {
                json.append(numbers[element]);
            } else if (values instanceof boolean[] flags) {
                json.append(flags[element]);
            } else {
                json.append(GSON.toJson(((String[]) values)[element]));
            }
        }
        json.append(']');
    }

    private static byte[] blob(Object values) {
        if (values instanceof double[] numbers) {
            ByteBuffer blob = ByteBuffer.allocate(8 * numbers.length).order(ByteOrder.LITTLE_ENDIAN);
            blob.asDoubleBuffer().put(numbers);
            return blob.array();
        }
        if (values instanceof long[] numbers) {
            ByteBuffer blob = ByteBuffer.allocate(8 * numbers.length).order(ByteOrder.LITTLE_ENDIAN);
            blob.asLongBuffer().put(numbers);
            return blob.array();
        }
        if (values instanceof boolean[] flags) {
            byte[] blob = new byte[flags.length];
            for (int element = 0; element < flags.length; element++) {
                blob[element] = (byte) (flags[element] ? 1 : 0);
            }
            return blob;
        }
        ByteArrayOutputStream blob = new ByteArrayOutputStream();
        for (String text : (String[]) values) {
            byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
            blob.writeBytes(ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(bytes.length).array());
            blob.writeBytes(bytes);
        }
        return blob.toByteArray();
    }
}
