using System.CommandLine;
using System.Text.Json;

namespace ControlPlane.Benchmarks;

/// <summary>Runs the benchmarks whose name contains a text, and ends with one line for each.</summary>
internal static class Program
{
    private static readonly Option<string> Filter = new("--filter")
    {
        Description = "Only benchmarks whose name contains this",
        DefaultValueFactory = _ => "",
    };

    private static readonly Option<string?> Json = new("--json") { Description = "Where to write all figures" };
    private static readonly Option<int?> Rounds = new("--rounds") { Description = "How often each is measured" };
    private static readonly Option<bool> List = new("--list") { Description = "Only name them" };

    private static readonly JsonSerializerOptions Format = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    public static Task<int> Main(string[] args)
    {
        var command = new RootCommand("Measures what we built beside the same work done by hand") { Filter, Json, Rounds, List };
        command.SetAction(RunAsync);
        return command.Parse(args).InvokeAsync();
    }

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var output = parsed.InvocationConfiguration.Output;
        var filter = parsed.GetRequiredValue(Filter);
        var chosen = All().Where(benchmark => benchmark.Name.Contains(filter, StringComparison.Ordinal)).ToList();
        if (chosen.Count == 0)
        {
            var names = string.Join(", ", All().Select(benchmark => benchmark.Name));
            await parsed.InvocationConfiguration.Error.WriteLineAsync($"no benchmark's name contains '{filter}'; there are: {names}");
            return 2;
        }

        if (parsed.GetValue(List))
        {
            chosen.ForEach(benchmark => output.WriteLine(benchmark.Name));
            return 0;
        }

        var figures = new List<BenchmarkFigures>(chosen.Count);
        foreach (var benchmark in chosen)
        {
            figures.Add(await BenchmarkRun.MeasureAsync(benchmark, parsed.GetValue(Rounds), output.WriteLine, cancellationToken));
        }

        if (parsed.GetValue(Json) is { } path)
        {
            await File.WriteAllTextAsync(path, JsonSerializer.Serialize(figures, Format), cancellationToken);
        }

        foreach (var one in figures)
        {
            foreach (var (name, value) in one.Details)
            {
                output.WriteLine($"  {one.Name} {name} {Figure.Text(value)}");
            }
        }

        figures.ForEach(one => output.WriteLine(one.ToString()));
        return 0;
    }

    private static List<IBenchmark> All() =>
    [
        .. typeof(Program).Assembly.GetTypes()
            .Where(type => type is { IsClass: true, IsAbstract: false } && type.IsAssignableTo(typeof(IBenchmark)))
            .Where(type => type.GetConstructor(Type.EmptyTypes) is not null)
            .Select(type => (IBenchmark)Activator.CreateInstance(type)!)
            .OrderBy(benchmark => benchmark.Name, StringComparer.Ordinal),
    ];
}
