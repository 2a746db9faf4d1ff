using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace ControlPlane.Tidy.Tests;

/// <param name="From">The room whose code names the other; empty for what lies in Grains itself.</param>
/// <param name="To">The room that is named.</param>
/// <param name="Why">What for.</param>
/// <param name="IsBack">It points against the target, and so closes a circle: to go.</param>
internal sealed record Arrow(string From, string To, string Why, bool IsBack = false);

/// <summary>
/// Rooms inside Grains: <c>Fleet → Nodes → {Placement, Certificates, Enrolment} → {Flow, Store}</c>; everyone may use Flow and what lies in
/// Grains itself, and Flow uses no feature.
/// </summary>
internal static class Arrows
{
    private const string Grains = "Grains/";

    // An arrow that is not here may not appear, and one that nothing needs any more is taken out.
    public static readonly IReadOnlyList<Arrow> Allowed =
    [
        new("Fleet", "Nodes", "what is heard of a node is told to its grain, and what nodes ask of their slice is answered"),
        new("Fleet", "Placement", "which overlays there are, and where newcomers are asked for"),
        new("Fleet", "Enrolment", "how many newcomers are looked at, and what operators hold back"),
        new("Nodes", "Placement", "a node is placed before it is configured, by its overlay's options and its layers"),
        new("Nodes", "Certificates", "a node's certificate is ordered, and compared with what it holds"),
        new("Nodes", "Enrolment", "the gate says when a node may take its next step"),

        new("Jobs", "Nodes", "targets are found in the fleet's slices, and called in their protocol"),
        new("Jobs", "Placement", "which overlays there are, which nodes a plan moves, and that their places are held"),
        new("Jobs", "Access", "what a job does is judged and recorded as its submitter's"),
        new("Jobs", "Sites", "a job and its parts are at different sites"),
        new("Jobs", "Store", "results are a log, and which jobs there are is a register"),
        new("Jobs", "Flow", "jobs take turns at a gate, and send within a rate"),

        new("Replication", "Access", "who paused a link is kept with it"),
        new("Replication", "Flow", "links are looked after in rounds"),

        new("Fleet", "Flow", "what it does every so often, and how often a log says the same"),
        new("Nodes", "Flow", "what it does every so often, what a step leans on, and how often a log says the same"),
        new("Enrolment", "Flow", "gates, brakes and rates of enrolments"),
        new("Certificates", "Flow", "the gate and the breaker before each issuer, and what is done every so often"),
        new("Placement", "Flow", "the brake of plans, and the breaker before the external decider"),

        new("Fleet", "Store", "changes, signs of life and inventories are kept on the overlay's brokers"),
        new("Certificates", "Store", "the history of the ledger is a log"),
        new("Access", "Store", "the record of calls is a log"),
        new("Nodes", "Sites", "a node is handed over to its owner, and called through the site that hears it"),
        new("Placement", "Sites", "the region asks overlays that other sites serve, and those ask the region's leader"),

        new("Access", "Filters", "rules hold for nodes that fulfil a filter"),
        new("Fleet", "Access", "access policies are told what is known of a node"),
        new("Fleet", "Filters", "nodes are searched by filters"),
        new("Nodes", "Filters", "facts and claims are read by their path"),
        new("Access", "Flow", "the record gathers in rounds, and the authority outside has a breaker"),
        new("Nodes", "Access", "a node's history says who asked"),
        new("Placement", "Access", "plans and policies say who made them"),
        new("Certificates", "Access", "the ledger says who had a certificate revoked"),
        new("Enrolment", "Access", "a control says who set it"),

        new("Placement", "Nodes", "its facts hold a node's hold, and its options name the streams of events", IsBack: true),
        new("Enrolment", "Nodes", "the gate and its check look at a node's state and step", IsBack: true),
        new("Enrolment", "Placement", "which overlays there are to control", IsBack: true),
    ];

    /// <summary>What the code's arrows and the table do not have in common, and circles of the arrows that are to stay.</summary>
    public static IEnumerable<string> Faults(IEnumerable<SourceFile> files, IEnumerable<string> references)
    {
        var drawn = Drawn([.. files.Where(file => file.Path.StartsWith(Grains, StringComparison.Ordinal))], references);
        return drawn.Where(arrow => !Allowed.Any(allowed => (allowed.From, allowed.To) == arrow.Key))
            .Select(arrow => $"{Named(arrow.Key.From)} uses {Named(arrow.Key.To)}: {arrow.Value}; rooms form no circle, see Arrows")
            .Concat(Allowed.Where(allowed => !drawn.ContainsKey((allowed.From, allowed.To)))
                .Select(allowed => $"{Named(allowed.From)} does not use {Named(allowed.To)} any more: take the arrow out of Arrows"))
            .Concat(Circles([.. Allowed.Where(arrow => !arrow.IsBack)]));
    }

    public static IEnumerable<string> Circles(IReadOnlyList<Arrow> arrows)
    {
        // What nobody left uses is taken away; what then remains goes round.
        var left = arrows.ToList();
        while (left.RemoveAll(arrow => !left.Any(other => other.To == arrow.From)) > 0)
        {
        }

        return left.Select(arrow => $"{Named(arrow.From)} to {Named(arrow.To)} is part of a circle, or is reached from one");
    }

    /// <summary>Each arrow of the code, with one place where it is drawn.</summary>
    public static IReadOnlyDictionary<(string From, string To), string> Drawn(
        IReadOnlyList<SourceFile> files, IEnumerable<string> references)
    {
        // Generated code is not here; what cannot be resolved without it is no type of ours.
        const string implicitly = "System;System.Collections.Generic;System.IO;System.Linq;System.Threading;System.Threading.Tasks";
        var usings = CSharpSyntaxTree.ParseText(string.Concat(implicitly.Split(';').Select(name => $"global using {name};\n")));
        var compilation = CSharpCompilation.Create(
            "rooms",
            [usings, .. files.Select(file => file.Root.SyntaxTree)],
            references.Select(path => MetadataReference.CreateFromFile(path)),
            new CSharpCompilationOptions(OutputKind.DynamicallyLinkedLibrary));
        var arrows = new Dictionary<(string, string), string>();
        foreach (var file in files)
        {
            var model = compilation.GetSemanticModel(file.Root.SyntaxTree);
            foreach (var name in file.Root.DescendantNodes().OfType<SimpleNameSyntax>())
            {
                var from = RoomOf(file.Path);
                if (TypeOf(model.GetSymbolInfo(name)) is { } type && RoomOf(type) is { Length: > 0 } to && to != from)
                {
                    arrows.TryAdd((from, to), $"{file.At(name)} names {name}");
                }
            }
        }

        return arrows;
    }

    private static INamedTypeSymbol? TypeOf(SymbolInfo found) => (found.Symbol ?? found.CandidateSymbols.FirstOrDefault()) switch
    {
        INamedTypeSymbol type => type,
        IMethodSymbol { IsExtensionMethod: true } method => method.ContainingType,
        _ => null,
    };

    private static string? RoomOf(INamedTypeSymbol type) =>
        type.DeclaringSyntaxReferences.FirstOrDefault()?.SyntaxTree.FilePath is { Length: > 0 } path ? RoomOf(path) : null;

    private static string RoomOf(string path) => path.Split('/') is [_, var room, _, ..] ? room : "";

    private static string Named(string room) => room.Length == 0 ? "Grains itself" : room;
}
