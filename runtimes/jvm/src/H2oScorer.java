import hex.ModelCategory;
import hex.genmodel.GenModel;
import hex.genmodel.MojoModel;
import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.tools.JavaCompiler;
import javax.tools.ToolProvider;

/**
 * A model of H2O: a MOJO, or a POJO that is compiled at the start. A missing number is NaN, a missing category the empty text.
 * A category that the training data did not have counts as missing, as in H2O itself.
 */
final class H2oScorer implements Scorer {
    private static final Pattern CLASS = Pattern.compile("public\\s+class\\s+(\\w+)\\s+extends\\s+GenModel");

    private final GenModel model;
    private final ModelCategory category;
    private final List<Port> inputs = new ArrayList<>();
    private final List<Output> outputs = new ArrayList<>();
    /** For each input that is a category, the number of each of its texts. */
    private final List<Map<String, Integer>> levels = new ArrayList<>();

    private final String[] classes;

    private H2oScorer(GenModel model) {
        this.model = model;
        category = model.getModelCategory();
        if (model.getOffsetName() != null) {
            throw new Unsupported("a model with an offset column is not supported");
        }
        for (int feature = 0; feature < model.nfeatures(); feature++) {
            String[] domain = model.getDomainValues(feature);
            Map<String, Integer> numbers = domain == null ? null : new HashMap<>();
            for (int level = 0; domain != null && level < domain.length; level++) {
                numbers.put(domain[level], level);
            }
            levels.add(numbers);
            inputs.add(new Port(model.getNames()[feature], domain == null ? Port.Datatype.FP64 : Port.Datatype.BYTES));
        }
        switch (category) {
            case Binomial, Multinomial -> {
                classes = model.getDomainValues(model.getResponseIdx());
                outputs.add(Output.of("label", Port.Datatype.BYTES));
                outputs.add(new Output(new Port("probabilities", Port.Datatype.FP64), classes.length));
            }
            case Regression -> {
                classes = null;
                outputs.add(Output.of("value", Port.Datatype.FP64));
            }
            case Clustering -> {
                classes = null;
                outputs.add(Output.of("cluster", Port.Datatype.INT64));
            }
            default -> throw new Unsupported("a model of the category " + category + " is not supported");
        }
    }

    static Scorer mojo(Path file) throws IOException {
        return new H2oScorer(MojoModel.load(file.toString()));
    }

    static Scorer pojo(Path file, Path work) throws IOException, ReflectiveOperationException {
        String source = Files.readString(file);
        Matcher matcher = CLASS.matcher(source);
        if (!matcher.find()) {
            throw new Unsupported("the file has no class that extends GenModel: it is not a POJO of H2O");
        }
        String name = matcher.group(1);
        // javac wants the file to have the name of the class.
        Path copy = Files.writeString(Files.createDirectories(work).resolve(name + ".java"), source);
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        String path = System.getProperty("java.class.path");
        int failed = compiler.run(null, null, null, "-encoding", "UTF-8", "-proc:none", "-nowarn", "-cp", path,
                "-d", work.toString(), copy.toString());
        if (failed != 0) {
            throw new Unsupported("javac failed on the POJO");
        }
        URLClassLoader loader = new URLClassLoader(new URL[] {work.toUri().toURL()}, H2oScorer.class.getClassLoader());
        return new H2oScorer((GenModel) loader.loadClass(name).getDeclaredConstructor().newInstance());
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
        double[] features = new double[model.nfeatures()];
        double[] scores = new double[Math.max(model.getPredsSize(), 1 + (classes == null ? 0 : classes.length))];
        String[] labels = new String[rows];
        double[] values = new double[rows * (classes == null ? 1 : classes.length)];
        long[] clusters = new long[rows];
        for (int row = 0; row < rows; row++) {
            for (int feature = 0; feature < features.length; feature++) {
                Map<String, Integer> numbers = levels.get(feature);
                if (numbers == null) {
                    features[feature] = ((double[]) columns[feature])[row];
                } else {
                    Integer level = numbers.get(((String[]) columns[feature])[row]);
                    features[feature] = level == null ? Double.NaN : level;
                }
            }
            model.score0(features.clone(), scores);
            if (classes != null) {
                labels[row] = classes[(int) scores[0]];
                System.arraycopy(scores, 1, values, row * classes.length, classes.length);
            } else {
                values[row] = scores[0];
                clusters[row] = (long) scores[0];
            }
        }
        return switch (category) {
            case Regression -> new Object[] {values};
            case Clustering -> new Object[] {clusters};
            default -> new Object[] {labels, values};
        };
    }
}
