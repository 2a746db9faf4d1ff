using System.Globalization;
using ControlPlane.Filters;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace ControlPlane.Access.Policies;

/// <summary>Reads one case of a policy's <c>tests</c>.</summary>
internal sealed class AccessCaseReader(YamlSection section, DocumentFaults faults)
{
    private enum Expectation
    {
        Allow,
        Deny,
    }

    public AccessCase Read()
    {
        var one = new AccessCase(
            section.RequiredText("name"),
            (int)section.Node.Start.Line,
            ReadCaller(),
            ReadRequest(),
            section.Duration("secondFactor", TimeSpan.Zero, TimeSpan.FromDays(7)),
            section.Text("site") ?? "",
            section.Text("region") ?? "",
            ReadNode(),
            section.Choice("expect", Expectation.Allow) == Expectation.Allow);
        if (section.Child("expect") is null)
        {
            faults.Add(section.Node, "'expect' is missing");
        }

        section.RejectUnknown();
        return one;
    }

    private Caller ReadCaller()
    {
        var principal = section.RequiredText("as");
        var claims = section.Section("claims");
        return new Caller
        {
            Principal = principal,
            Method = section.Choice("method", principal == Caller.Local.Principal ? CallerMethod.Local : CallerMethod.Oidc),
            Groups = Texts(section, "groups"),
            Roles = Texts(section, "roles"),
            Claims = (claims?.Node.Children.Keys.OfType<YamlScalarNode>() ?? [])
                .ToDictionary(key => key.Value!, key => Texts(claims!, key.Value!), StringComparer.Ordinal),
        };
    }

    private AccessRequest ReadRequest()
    {
        var permission = section.RequiredText("may");
        if (permission.Length > 0 && PermissionPattern.FaultOf(permission) is { } fault)
        {
            faults.Add(section.Child("may")!, fault);
        }

        return new AccessRequest(permission)
        {
            // A node's overlay is a fact of the node: see ReadNode.
            Overlay = section.Child("node") is null ? section.Text("overlay") : null,
            Node = section.Text("node"),
            Collective = section.Text("collective"),
            Agent = section.Text("agent"),
            Action = section.Text("action"),
            Targets = section.Integer("targets", 0, int.MaxValue),
            Reason = section.Text("reason"),
            Submitter = section.Text("submitter"),
        };
    }

    // Nothing said of a node means that nothing is known of it.
    private NodeFacts? ReadNode()
    {
        var overlay = section.Text("overlay");
        var facts = section.Section("facts");
        var isSaid = facts is not null || section.Child("classes") is not null || section.Child("nodeAgents") is not null;
        if (section.Child("node") is null)
        {
            if (isSaid)
            {
                faults.Add(section.Node, "'facts', 'classes' and 'nodeAgents' are of the 'node', and none is named");
            }

            return null;
        }

        return overlay is null && !isSaid ? null : new NodeFacts(overlay, isSaid
            ? new FilteredNode(ReadFacts(facts), Texts(section, "classes"), Texts(section, "nodeAgents"))
            : null);
    }

    private static Dictionary<string, FactValue> ReadFacts(YamlSection? facts) =>
        (facts?.Node.Children.Keys.OfType<YamlScalarNode>() ?? [])
        .Select(key => (Path: key.Value!, Value: facts!.Scalar(key.Value!)))
        .Where(fact => fact.Value is not null)
        .ToDictionary(fact => fact.Path, fact => ValueOf(fact.Value!), StringComparer.Ordinal);

    // As JSON would be read: what is quoted is text.
    private static FactValue ValueOf(YamlScalarNode scalar) => (scalar.Style, scalar.Value!) switch
    {
        (ScalarStyle.Plain, "true") => new FactValue(FactKind.True, "", 0),
        (ScalarStyle.Plain, "false") => new FactValue(FactKind.False, "", 0),
        (ScalarStyle.Plain, var text) when double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) =>
            new FactValue(FactKind.Number, "", number),
        (_, var text) => new FactValue(FactKind.Text, text, 0),
    };

    private static IReadOnlyList<string> Texts(YamlSection of, string key) => [.. of.Scalars(key).Select(text => text.Value!)];
}
