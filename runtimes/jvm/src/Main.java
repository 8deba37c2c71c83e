import com.google.gson.Gson;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Executors;

/**
 * Serves a MOJO or POJO of H2O, or a model in PMML, by the Open Inference Protocol, as the image of {@code spec.runtime}. The
 * variables {@code UNDERSTUDY_MODEL_FILE}, {@code UNDERSTUDY_MODEL_NAME}, {@code UNDERSTUDY_HOST} and {@code UNDERSTUDY_PORT}
 * say what and where. The ending of the file says what it is: {@code .zip}, {@code .java}, {@code .pmml} or {@code .xml}.
 */
public final class Main {
    private static final String JSON_LENGTH = "Inference-Header-Content-Length";
    private static final Gson GSON = new Gson();

    private final Scorer scorer;
    private final String name;

    private Main(Scorer scorer, String name) {
        this.scorer = scorer;
        this.name = name;
    }

    public static void main(String[] arguments) throws Exception {
        Path file = Path.of(variable("UNDERSTUDY_MODEL_FILE", "/mnt/models/model.zip"));
        int port = Integer.parseInt(variable("UNDERSTUDY_PORT", "9000"));
        Scorer scorer;
        try {
            scorer = load(file);
        } catch (Scorer.Unsupported error) {
            System.err.println("failed to load " + file + ": " + error.getMessage());
            System.exit(1);
            return;
        }
        Main main = new Main(scorer, variable("UNDERSTUDY_MODEL_NAME", "model"));
        HttpServer server = HttpServer.create(new InetSocketAddress(variable("UNDERSTUDY_HOST", "127.0.0.1"), port), 0);
        server.setExecutor(Executors.newFixedThreadPool(2 * Runtime.getRuntime().availableProcessors()));
        server.createContext("/", main::handle);
        server.start();
        System.out.println("listening on " + server.getAddress().getPort());
    }

    private static String variable(String name, String otherwise) {
        String value = System.getenv(name);
        return value == null || value.isEmpty() ? otherwise : value;
    }

    private static Scorer load(Path file) throws IOException, ReflectiveOperationException {
        String ending = file.toString().replaceAll(".*\\.", "").toLowerCase(Locale.ROOT);
        return switch (ending) {
            case "zip" -> H2oScorer.mojo(file);
            case "java" -> H2oScorer.pojo(file, Path.of(System.getProperty("java.io.tmpdir"), "pojo"));
            case "pmml", "xml" -> PmmlScorer.load(file);
            default -> throw new Scorer.Unsupported(
                    "a file must end in .zip (MOJO), .java (POJO), .pmml or .xml (PMML), and this one ends in ." + ending);
        };
    }

    private void handle(HttpExchange exchange) throws IOException {
        try (exchange) {
            String path = exchange.getRequestURI().getPath();
            boolean isGet = exchange.getRequestMethod().equals("GET");
            String model = "/v2/models/" + name;
            if (isGet && path.equals("/v2")) {
                json(exchange, 200, Map.of("name", "understudy-jvm", "version", "1", "extensions", List.of("binary_tensor_data")));
            } else if (isGet && (path.equals("/v2/health/live") || path.equals("/v2/health/ready") || path.equals(model + "/ready"))) {
                json(exchange, 200, Map.of("ready", true));
            } else if (isGet && path.equals(model)) {
                json(exchange, 200, metadata());
            } else if (path.equals(model + "/infer")) {
                infer(exchange);
            } else {
                json(exchange, 404, Map.of("error", "there is no " + path));
            }
        }
    }

    private Map<String, Object> metadata() {
        List<Object> inputs = new ArrayList<>();
        for (Port port : scorer.inputs()) {
            inputs.add(Map.of("name", port.name(), "datatype", port.datatype(), "shape", List.of(-1)));
        }
        List<Object> outputs = new ArrayList<>();
        for (Scorer.Output output : scorer.outputs()) {
            List<Integer> shape = output.width() > 0 ? List.of(-1, output.width()) : List.of(-1);
            outputs.add(Map.of("name", output.port().name(), "datatype", output.port().datatype(), "shape", shape));
        }
        return Map.of("name", name, "versions", List.of(), "platform", "jvm", "inputs", inputs, "outputs", outputs);
    }

    private void infer(HttpExchange exchange) throws IOException {
        byte[] body = exchange.getRequestBody().readAllBytes();
        String length = exchange.getRequestHeaders().getFirst(JSON_LENGTH);
        Tensors.Answer answer;
        try {
            Tensors.Request request = Tensors.read(body, length == null ? -1 : Integer.parseInt(length), scorer.inputs());
            Object[] values = scorer.score(request.columns(), request.rows());
            answer = Tensors.write(name, scorer.outputs(), values, request.rows(), request.binary());
        } catch (Tensors.Wrong | NumberFormatException error) {
            json(exchange, 400, Map.of("error", String.valueOf(error.getMessage())));
            return;
        } catch (RuntimeException error) {
            json(exchange, 500, Map.of("error", error.toString()));
            return;
        }
        if (answer.jsonLength() >= 0) {
            exchange.getResponseHeaders().set(JSON_LENGTH, Integer.toString(answer.jsonLength()));
        }
        send(exchange, 200, answer.jsonLength() < 0 ? "application/json" : "application/octet-stream", answer.body());
    }

    private static void json(HttpExchange exchange, int status, Object body) throws IOException {
        send(exchange, status, "application/json", GSON.toJson(body).getBytes(java.nio.charset.StandardCharsets.UTF_8));
    }

    private static void send(HttpExchange exchange, int status, String type, byte[] body) throws IOException {
        exchange.getRequestBody().readAllBytes();
        exchange.getResponseHeaders().set("Content-Type", type);
        exchange.sendResponseHeaders(status, body.length);
        exchange.getResponseBody().write(body);
    }
}
