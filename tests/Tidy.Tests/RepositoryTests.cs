using System.Reflection;

namespace ControlPlane.Tidy.Tests;

/// <summary>The checks, held against this repository.</summary>
public sealed class RepositoryTests
{
    [Fact]
    public void EveryMethodAndFile_FitsItsSize() => AssertNone(Repository.Sources.SelectMany(SizeCheck.Faults));

    [Fact]
    public void EveryTypeName_SaysWhatItIs() => AssertNone(Repository.Sources.SelectMany(NameCheck.Faults));

    /// <summary>What leaves a background service ends the silo; what its loop leaves, ends silently.</summary>
    [Fact]
    public void EveryBackgroundService_GoesOnByTheOneMechanism() => AssertNone(
        from path in Repository.Files("*.cs")
        where !path.StartsWith("tests/", StringComparison.Ordinal)
        let text = File.ReadAllText(Path.Combine(Repository.Root, path))
        where text.Contains(": BackgroundService", StringComparison.Ordinal) && !text.Contains("loops.RunAsync(", StringComparison.Ordinal)
        select $"{path}: a background service that is not run by Loops");

    [Fact]
    public void NothingIsLeftForLater() => AssertNone(
        from pattern in (string[])["*.cs", "*.csproj", "*.props", "*.sh", "*.md", "*.conf", "*.yaml", "Makefile"]
        from path in Repository.Files(pattern)
        from fault in LeftoverCheck.Faults(path, File.ReadAllText(Path.Combine(Repository.Root, path)))
        select fault);

    [Fact]
    public void EveryNameInTheDocuments_ExistsInTheCode()
    {
        var identifiers = DocumentCheck.Identifiers(Repository.Sources);
        identifiers.UnionWith(Repository.PathNames);
        AssertNone(
            from path in Repository.Files("*.md")
            where path.StartsWith("docs/", StringComparison.Ordinal)
            from fault in DocumentCheck.Faults(path, File.ReadAllText(Path.Combine(Repository.Root, path)), identifiers)
            select fault);
    }

    [Fact]
    public void MetricsDocument_ListsEveryMetric()
    {
        var document = Path.Combine(Repository.Root, "docs/METRICS.md");
        var product = Repository.Sources.Where(file => !file.Path.StartsWith("tests/", StringComparison.Ordinal));
        AssertNone(MetricCheck.Faults(
            product.SelectMany(MetricCheck.Made),
            File.Exists(document) ? MetricCheck.Listed(File.ReadAllText(document)) : []));
    }

    [Fact]
    public void DashboardsAndAlerts_AskOnlyForMetricsThatThereAre()
    {
        var listed = MetricCheck.Listed(File.ReadAllText(Path.Combine(Repository.Root, "docs/METRICS.md"))).ToList();
        var files = Directory.GetFiles(Path.Combine(Repository.Root, "infra/observability"), "*.*");
        Assert.Contains(files, file => file.EndsWith(".json", StringComparison.Ordinal));
        Assert.Contains(files, file => file.EndsWith(".yaml", StringComparison.Ordinal));
        AssertNone(files.SelectMany(file => MetricCheck.FaultsOfQueries(Path.GetFileName(file), File.ReadAllText(file), listed)));
    }

    [Fact]
    public void EveryAssembly_RefersOnlyDownwards()
    {
        var assemblies = Directory.EnumerateFiles(AppContext.BaseDirectory, "ControlPlane.*.dll")
            .ToDictionary(path => Path.GetFileNameWithoutExtension(path), LayerRule.References);

        // Each rule must have found what it speaks of, or a renamed project would be free of it.
        Assert.All(Layers.Rules, rule => Assert.Contains(assemblies.Keys, rule.HoldsFor));
        AssertNone(assemblies.SelectMany(assembly => Layers.Faults(assembly.Key, assembly.Value)));
    }

    [Fact]
    public void NoTypeName_IsDeclaredTwice() => AssertNone(DuplicateTypeCheck.Faults(ProductSources));

    [Fact]
    public void RoomsInsideGrains_UseOneAnother_OnlyAsTheArrowsSay()
    {
        var references = ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator)
            .Where(path => Path.GetFileName(path) != "ControlPlane.Grains.dll");

        AssertNone(Arrows.Faults(ProductSources, references));
    }

    [Fact]
    public void TheProduct_HasNoMoreLinesOfCode_ThanItMay()
    {
        var counts = ProductSources.GroupBy(file => file.Path.Split('/')[0])
            .Select(files => (Folder: files.Key, Lines: files.Sum(CodeLines.Count))).ToList();
        var all = counts.Sum(count => count.Lines);
        var words = $"{all} lines of code: {string.Join(", ", counts.Select(count => $"{count.Folder} {count.Lines}"))}";
        TestContext.Current.SendDiagnosticMessage(words);

        Assert.Equal(CodeLines.Product.Length, counts.Count);
        Assert.True(all <= CodeLines.Max, $"{words}; {CodeLines.Max} at most");
    }

    [Fact]
    public void EveryGrainClass_IsInternalAndSealed() => AssertNone(GrainClassCheck.Faults(Assembly.Load("ControlPlane.Grains")));

    private static IEnumerable<SourceFile> ProductSources => Repository.Sources.Where(
        file => CodeLines.Product.Contains(file.Path.Split('/')[0], StringComparer.Ordinal));

    private static void AssertNone(IEnumerable<string> faults)
    {
        var all = faults.ToList();
        Assert.True(all.Count == 0, string.Join('\n', all));
    }
}
