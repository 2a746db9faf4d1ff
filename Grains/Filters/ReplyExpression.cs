using System.Text.Json;

namespace ControlPlane.Filters;

/// <summary>One reply of a node, as an expression is asked of it.</summary>
/// <param name="Sender">The node.</param>
/// <param name="Code">Choria's status; null when there was no reply.</param>
/// <param name="Message">The reply's words.</param>
/// <param name="Data">The reply's data; undefined when there was none.</param>
public sealed record ReplyFields(string Sender, int? Code, string Message, JsonElement Data);

/// <summary>
/// Which replies are meant, in the form of <c>choria req --filter-replies</c>: <c>not ok() and msg =~ /disk/</c>,
/// <c>data('os.major') &lt; 12</c>. Immutable.
/// </summary>
/// <remarks>
/// There are <c>code</c>, <c>msg</c>, <c>sender()</c>, <c>data('path')</c>, <c>ok()</c>, <c>aborted()</c>, <c>unknown_action()</c>,
/// <c>missing_data()</c>, <c>invalid_data()</c>, <c>unknown_error()</c>, texts, numbers, <c>true</c>, <c>false</c> and <c>nil</c>; compared
/// by <c>== != &lt; &lt;= &gt; &gt;= =~</c>, <c>matches</c>, <c>contains</c>, <c>startsWith</c> and <c>endsWith</c>. What cannot be
/// compared, a text with a number for one, is not equal.
/// </remarks>
public sealed class ReplyExpression
{
    private readonly ReplyTerm term;

    private ReplyExpression(ReplyTerm term) => this.term = term;

    /// <summary>Reads one; null with what is wrong, and where, when it is none.</summary>
    public static ReplyExpression? ReadOrNull(string text, out string? fault)
    {
        ArgumentNullException.ThrowIfNull(text);
        try
        {
            fault = null;
            return new ReplyExpression(ReplyReader.Read(text));
        }
        catch (FilterException unclear)
        {
            fault = unclear.Message;
            return null;
        }
    }

    /// <summary>Whether it holds for a reply.</summary>
    public bool Holds(ReplyFields reply)
    {
        ArgumentNullException.ThrowIfNull(reply);
        return term.Holds(reply);
    }
}
